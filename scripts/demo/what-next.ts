import { coloured, print } from "../../src/cli/output.ts";
import { repositoryOf } from "./push-images.ts";
import { LIVE } from "./run-release.ts";
import type { Played } from "./scene.ts";
import { PROJECT } from "./set-up.ts";

/** What to try while the servers are up: lines to be copied into another terminal. */
export function printWhatNext({ build, production, target, version, promotedVersion }: Played): void {
  const image = `${target.host}/${repositoryOf(target, "server")}:${version}`;
  const inside = target.host === production.host;
  const list = `${production.url}/openapi/delivery/releases?projectKey=${PROJECT}&pageNum=1&pageSize=20`;
  print(`\n${coloured("bold", "Now it is yours to try.")} In another terminal, in this directory:\n`);
  section("Be the admin of production", [
    `export HEADGATE_URL=${production.url}`,
    `export HEADGATE_TOKEN=${production.adminToken}`,
  ]);
  section("The command line", [
    `npm run headgate -- release list --project ${PROJECT}`,
    `npm run headgate -- release show --project ${PROJECT} --version ${promotedVersion}`,
    `npm run headgate -- release show --project ${PROJECT} --version ${promotedVersion} --yaml`,
    `npm run headgate -- matrix`,
    `npm run headgate -- why ${PROJECT} ${LIVE} ${promotedVersion}`,
    `npm run headgate -- deploy ${PROJECT} ${LIVE} ${promotedVersion} --force --reason "a fixed cluster" --watch`,
    `npm run headgate -- rollback ${PROJECT} ${LIVE} --watch`,
  ]);
  section("What a Zadig client sees", [`curl -H "Authorization: Bearer $HEADGATE_TOKEN" "${list}"`]);
  section(
    "The images, with tools you know",
    inside
      ? [
          `skopeo inspect --tls-verify=false --creds "me:$HEADGATE_TOKEN" docker://${image}`,
          `docker login -u me -p "$HEADGATE_TOKEN" ${target.host} && docker pull ${image}`,
        ]
      : [`skopeo inspect${target.plainHttp ? " --tls-verify=false" : ""} docker://${image}`],
  );
  section("Every operation of the API", [`${production.url}/docs`]);
  if (build) section("The build server", [`HEADGATE_URL=${build.url}`, `HEADGATE_TOKEN=${build.adminToken}`]);
  print(`Ctrl-C stops ${build ? "both servers" : "the server"} and removes the temporary directory.`);
}

function section(title: string, lines: readonly string[]): void {
  print(coloured("cyan", title));
  print(`${lines.map((line) => `  ${line}`).join("\n")}\n`);
}
