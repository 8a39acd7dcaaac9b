import { writeFile } from "node:fs/promises";
import { openApiDocument } from "../src/api/openapi-document.ts";

/** Writes docs/api/openapi.json, the document that /docs shows. */
await writeFile(new URL("../docs/api/openapi.json", import.meta.url), await openApiDocument());
