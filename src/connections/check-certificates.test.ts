import { beforeAll, describe, expect, test } from "vitest";
import { makeCertificate, type TestCertificate } from "../../test/support/certificates.ts";
import { checkCertificates } from "./check-certificates.ts";

describe("certificate authorities of a connection", () => {
  let one: TestCertificate;
  let other: TestCertificate;
  beforeAll(() => {
    one = makeCertificate("one");
    other = makeCertificate("other");
  });

  test("may be one or several, with comments and any line ends", () => {
    const bundle = `# our root\n${one.certificatePem}\n# the one before\n${other.certificatePem}`;
    for (const pem of [one.certificatePem, bundle, bundle.replaceAll("\n", "\r\n")])
      expect(() => checkCertificates(pem)).not.toThrow();
  });

  test.each([
    ["no certificate at all", () => "hello", /no line -----BEGIN CERTIFICATE-----/],
    ["one that is cut off", () => one.certificatePem.slice(0, 300), /no line -----END CERTIFICATE-----/],
    ["a broken one", () => broken(one), /certificate 1 of 1 in it cannot be read/],
    ["a broken one behind a good one", () => one.certificatePem + broken(other), /certificate 2 of 2/],
    ["one on a single line", () => one.certificatePem.replaceAll("\n", ""), /certificate 1 of 1/],
    ["a private key", () => one.keyPem, /certificates only.*PRIVATE KEY/],
    ["a private key beside a certificate", () => one.certificatePem + one.keyPem, /certificates only/],
  ])("are refused when there is %s", (_, pem, words) => {
    expect(() => checkCertificates(pem())).toThrow(words);
  });

  const broken = ({ certificatePem }: TestCertificate): string =>
    certificatePem.replace(/[A-Za-z]{20}/, "AAAAAAAAAAAAAAAAAAAA");
});
