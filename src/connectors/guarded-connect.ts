import { lookup as lookUp } from "node:dns/promises";
import { connect as connectTcp, isIP, type LookupFunction, type OnReadOpts, type Socket } from "node:net";
import {
  connect as connectTls,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import { callbackify } from "node:util";
import ipaddr from "ipaddr.js";
import type { buildConnector } from "undici";

/** `never`: reached under no setting. `private`: only where an admin allowed it. */
export type AddressKind = "public" | "private" | "never";

/** Resolves a host name to addresses. */
export type Resolve = (hostname: string) => Promise<readonly { address: string; family: number }[]>;

export interface ConnectRules {
  readonly allowPrivate: boolean;
  /** PEM text of certificate authorities to trust besides the usual ones. */
  readonly caPem: string | null;
  readonly timeoutMillis: number;
  readonly resolve?: Resolve | undefined;
}

/** The code of the error with which a connection to a forbidden address fails. */
export const ADDRESS_REFUSED = "ERR_HEADGATE_ADDRESS_REFUSED";

/** Errors with which no connection came about. Kept apart, for a code such as ETIMEDOUT may also end one that was used. */
const withoutConnection = new WeakSet<Error>();

/** Whether this is the error of a connection that never came about, so that nothing was sent. */
export const neverConnected = (error: unknown): boolean =>
  error instanceof Error && withoutConnection.has(error);

/** Metadata services of cloud providers that stand outside the link-local ranges. */
const METADATA_ADDRESSES = new Set(["100.100.100.200", "168.63.129.16", "fd20:ce::254"]);
/** Where one provider keeps its metadata, credential and time services. */
const METADATA_NETWORK = ipaddr.IPv6.parse("fd00:ec2::");
/** All of IPv6 that is given out to anybody (RFC 4291, section 2.4, and the IANA registry). */
const GLOBAL_UNICAST = ipaddr.IPv6.parse("2000::");
const PRIVATE_RANGES = new Set([
  "private",
  "loopback",
  "uniqueLocal",
  "carrierGradeNat",
  "deprecatedSiteLocal",
]);
const NAT64 = ipaddr.IPv6.parse("64:ff9b::");
const IPV4_COMPATIBLE = ipaddr.IPv6.parse("::");

/** Where in an IPv6 address of this range the bytes of the IPv4 address begin that it only wraps. */
function wrappedAt(address: ipaddr.IPv6): number | null {
  const range = address.range();
  if (range === "6to4") return 2;
  const wraps =
    range === "ipv4Mapped" ||
    range === "rfc6145" ||
    (range === "rfc6052" && address.match(NAT64, 96)) ||
    (range === "unicast" && address.match(IPV4_COMPATIBLE, 96));
  return wraps ? 12 : null;
}

function unwrap(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address instanceof ipaddr.IPv4) return address;
  const at = wrappedAt(address);
  return at === null ? address : new ipaddr.IPv4(address.toByteArray().slice(at, at + 4));
}

const isMetadata = (address: ipaddr.IPv4 | ipaddr.IPv6): boolean =>
  METADATA_ADDRESSES.has(address.toString()) ||
  (address instanceof ipaddr.IPv6 && address.match(METADATA_NETWORK, 32));

const isGivenOut = (address: ipaddr.IPv4 | ipaddr.IPv6): boolean =>
  address instanceof ipaddr.IPv4 || address.match(GLOBAL_UNICAST, 3);

/** What kind of address this is, looking through every form that wraps an IPv4 address in an IPv6 one. */
export function kindOfAddress(text: string): AddressKind {
  if (!ipaddr.isValid(text)) return "never";
  const address = unwrap(ipaddr.parse(text));
  if (isMetadata(address)) return "never";
  const range = address.range();
  if (range === "unicast") return isGivenOut(address) ? "public" : "never";
  return PRIVATE_RANGES.has(range) ? "private" : "never";
}

/** Why this address must not be reached; null when it may. */
function reasonAgainst(address: string, allowPrivate: boolean): string | null {
  const kind = kindOfAddress(address);
  if (kind === "never") return `the address ${address} is never reached (link-local, metadata or reserved)`;
  if (kind === "private" && !allowPrivate)
    return `the address ${address} is private, which this connection does not allow`;
  return null;
}

const refusal = (reason: string): Error => Object.assign(new Error(reason), { code: ADDRESS_REFUSED });
const resolveByDns: Resolve = (hostname) => lookUp(hostname, { all: true });

/**
 * Looks a name up and hands on only addresses that may be reached. The socket dials exactly these, so a name
 * that answers otherwise the next time gains nothing.
 */
function guardedLookup(resolve: Resolve, allowPrivate: boolean): LookupFunction {
  const resolveAllowed = callbackify(async (hostname: string) => {
    const found = await resolve(hostname);
    const reasons = found.map(({ address }) => reasonAgainst(address, allowPrivate));
    const allowed = found.filter((_, index) => reasons[index] === null);
    if (allowed.length === 0) throw refusal(reasons[0] ?? "the host name has no address");
    return allowed;
  });
  return (hostname, options, callback) =>
    resolveAllowed(hostname, (error, allowed) => {
      const [first] = error ? [] : allowed;
      if (!first) callback(error, "", 0);
      else if (options.all) callback(null, [...allowed]);
      else callback(null, first.address, first.family);
    });
}

/** All certificates that are trusted besides this text, as PEM: for a program that is given a file of them. */
export const trustedPem = (caPem: string | null): string =>
  [...getCACertificates("default"), ...(caPem === null ? [] : [caPem])].join("\n");

/** Whom a TLS connection under these rules trusts. */
const trustOf = ({ caPem }: ConnectRules): SecureContext =>
  createSecureContext({ ca: caPem === null ? undefined : [...getCACertificates("default"), caPem] });

/**
 * How undici opens sockets, with its own means to do so: no proxies, HTTP/1.1 only, and only to addresses that the
 * rules allow.
 */
export function guardedConnect(rules: ConnectRules, build: typeof buildConnector): buildConnector.connector {
  const secureContext = trustOf(rules);
  const connect = build({
    allowH2: false,
    timeout: rules.timeoutMillis,
    secureContext,
    lookup: guardedLookup(rules.resolve ?? resolveByDns, rules.allowPrivate),
  });
  return (options, callback) => {
    const done: buildConnector.Callback = (...[error, socket]) => {
      if (error) withoutConnection.add(error);
      if (error) callback(error, null);
      else if (socket) callback(null, socket);
    };
    const reason = isIP(options.hostname) ? reasonAgainst(options.hostname, rules.allowPrivate) : null;
    if (reason !== null) done(refusal(reason), null);
    else connect(options, done);
  };
}

const placeOf = (url: URL): { readonly host: string; readonly port: number; readonly secure: boolean } => {
  const secure = url.protocol === "https:";
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || (secure ? 443 : 80)),
    secure,
  };
};

/** Opens one socket to the origin of this address, under the same guard; what arrives goes to `onread`. */
export type OpenSocket = (url: URL, onread: OnReadOpts) => Promise<Socket>;

/** A socket of its own for the one place that reads into its own memory: the blob pipe. */
export function guardedSocket(rules: ConnectRules): OpenSocket {
  const secureContext = trustOf(rules);
  const lookup = guardedLookup(rules.resolve ?? resolveByDns, rules.allowPrivate);
  const sessions = new Map<string, Buffer>();

  function openTls(host: string, port: number, onread: OnReadOpts): TLSSocket {
    const name = `${host}:${port}`;
    const session = sessions.get(name);
    // Typed as part of the TCP options only, but TLS sockets heed both.
    const tcp: Record<string, unknown> = { onread, lookup };
    const socket = connectTls({
      ...tcp,
      host,
      port,
      secureContext,
      ALPNProtocols: ["http/1.1"],
      ...(isIP(host) ? {} : { servername: host }),
      ...(session && { session }),
    });
    return socket.on("session", (latest: Buffer) => void sessions.set(name, latest));
  }

  return (url, onread) => {
    const { host, port, secure } = placeOf(url);
    const reason = isIP(host) ? reasonAgainst(host, rules.allowPrivate) : null;
    if (reason !== null) return Promise.reject(refusal(reason));
    const socket = secure ? openTls(host, port, onread) : connectTcp({ host, port, lookup, onread });
    return opened(socket, secure ? "secureConnect" : "connect", rules.timeoutMillis);
  };
}

/** Opens a bare connection to host and port of an address, under the same guard: a tunnel, whose user speaks TLS itself. */
export function guardedTunnel(rules: ConnectRules): (url: URL) => Promise<Socket> {
  const lookup = guardedLookup(rules.resolve ?? resolveByDns, rules.allowPrivate);
  return (url) => {
    const { host, port } = placeOf(url);
    const reason = isIP(host) ? reasonAgainst(host, rules.allowPrivate) : null;
    if (reason !== null) return Promise.reject(refusal(reason));
    return opened(connectTcp({ host, port, lookup }), "connect", rules.timeoutMillis);
  };
}

const failureOf = (code: "ETIMEDOUT" | "ECONNRESET"): Error => Object.assign(new Error(code), { code });

function opened(socket: Socket, event: string, timeoutMillis: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(failureOf("ETIMEDOUT")), timeoutMillis);
    // This one stays: an error must never find a socket without a listener.
    socket.on("error", reject).once(event, () => {
      clearTimeout(timer);
      socket.setNoDelay(true);
      resolve(socket);
    });
    socket.once("close", () => {
      clearTimeout(timer);
      reject(failureOf("ECONNRESET"));
    });
  });
}
