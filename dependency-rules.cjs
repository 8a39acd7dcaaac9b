// The arrows of ARCHITECTURE.md, section 3, in machine form. The list of nouns is the glossary.
// A noun file is pure: schema, type and rules of one thing, safe in a browser.
const NOUNS =
  "(project|service|release|release-content|release-item|referrer|release-view|distribution|distribution-progress|connection|user|role|actor|api-token|event|repository|manifest|upload|registry-token|configuration|backup|freeze|freeze-draft|tier|release-candidate|bad-mark|environment|deployment|gate|hold|workflow|workflow-run)";
const CONCEPTS = "(projects|environments|workflows|deployments|releases|distributions|repositories|connections|access|audit)";
const NOUN_FILES = `^src/${CONCEPTS}/${NOUNS}[.]ts$`;
const MACHINERY = "(tasks|storage|connectors)";
const EDGES = "(dialects|api|http|cli|web)";
const PORTS = ["^src/connectors/[^/]+/(registry|ci-provider|source-host)[.]ts$", "^src/connectors/connector-lookup[.]ts$"];
const TESTS = "[.]test[.]ts$";
const rule = (name, from, to) => ({ name, severity: "error", from, to });
const notTests = (from) => ({ ...from, pathNot: [TESTS, ...(from.pathNot ?? [])] });

module.exports = {
  forbidden: [
    rule("no-cycles", {}, { circular: true }),
    rule("nothing-imports-tests", { path: "^src/", pathNot: TESTS }, { path: `^test/|${TESTS}` }),
    rule("kernel-imports-nothing-of-ours", notTests({ path: "^src/kernel/" }), { path: "^src/", pathNot: "^src/kernel/" }),
    rule("nouns-import-only-nouns", { path: NOUN_FILES }, { path: "^src/", pathNot: ["^src/kernel/", NOUN_FILES] }),
    rule("machinery-knows-no-domain", notTests({ path: `^src/${MACHINERY}/` }), { path: `^src/${CONCEPTS}/` }),
    rule("domain-knows-no-edge", notTests({ path: `^src/(${CONCEPTS}|${MACHINERY}|kernel)/` }), { path: `^src/(${EDGES}/|compose|main)` }),
    rule("domain-sees-connector-ports-only", notTests({ path: `^src/${CONCEPTS}/` }), { path: "^src/connectors/", pathNot: PORTS }),
    rule("edges-never-touch-storage", notTests({ path: `^src/${EDGES}/` }), { path: "-store[.]ts$|^src/storage/" }),
    rule("edges-never-touch-connectors", notTests({ path: `^src/${EDGES}/` }), { path: "^src/connectors/" }),
    rule("dialects-stand-alone", notTests({ path: "^src/dialects/([^/]+)/" }), { path: "^src/dialects/", pathNot: "^src/dialects/$1/" }),
    rule("browser-code-is-browser-safe", { path: "^src/(web/|api/contract/|api/client[.]ts)" }, { path: "^src/", pathNot: ["^src/(kernel|web|api/contract)/", "^src/api/client[.]ts$", NOUN_FILES] }),
    rule("cli-commands-speak-the-api", { path: "^src/cli/" }, { path: "^src/", pathNot: ["^src/(kernel|cli|api/contract)/", "^src/api/client[.]ts$", NOUN_FILES] }),
    rule("only-http-client-speaks-http", { path: "^src/", pathNot: ["^src/connectors/http-client[.]ts$", "^src/connectors/guarded-connect[.]ts$", TESTS] }, { path: "^(undici)$|node_modules/undici/" }),
    rule("only-guarded-connect-opens-sockets", { path: "^src/", pathNot: ["^src/connectors/guarded-connect[.]ts$", "^src/config[.]ts$", TESTS] }, { path: "^(node:)?(net|tls)$", dependencyTypesNot: ["type-only"] }),
    rule("only-the-blob-pipe-takes-raw-sockets", { path: "^src/", pathNot: ["^src/connectors/registries/slab-sockets?[.]ts$", "^src/connectors/registries/oci-registry-connector[.]ts$", TESTS] }, { path: "^src/connectors/registries/slab-sockets[.]ts$", dependencyTypesNot: ["type-only"] }),
    rule("only-connectors-start-programs", { path: "^src/", pathNot: ["^src/connectors/(source-hosts/git|ci-providers)/", TESTS] }, { path: "^(node:)?child_process$" }),
    rule("only-storage-opens-databases", { path: "^src/", pathNot: ["^src/storage/", TESTS] }, { path: "node_modules/(better-sqlite3|pg)/" }),
  ],
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: "tsconfig.json" }, doNotFollow: { path: "node_modules" } },
};
