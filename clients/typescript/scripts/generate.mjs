// Makes src/events.ts out of docs/events.schema.json; with --check it fails if the file differs from that.

import { readFile, writeFile } from "node:fs/promises";
import { compile } from "json-schema-to-typescript";

const SCHEMA = new URL("../../../docs/events.schema.json", import.meta.url);
const TYPES = new URL("../src/events.ts", import.meta.url);
const BANNER = "// Made by `npm run generate` out of docs/events.schema.json: change that.";

/** The schema without what it allows beside the fields that it names: passbackd ignores it, and it may be a slip. */
function closed(part) {
  if (Array.isArray(part)) return part.map(closed);
  if (part === null || typeof part !== "object") return part;
  const { additionalProperties: _, unevaluatedProperties: __, ...rest } = part;
  return Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, closed(value)]));
}

const schema = closed(JSON.parse(await readFile(SCHEMA, "utf8")));
const wanted = await compile(schema, "Event", {
  additionalProperties: false,
  bannerComment: BANNER,
  format: true,
  style: { printWidth: 120 },
});
if (!process.argv.includes("--check")) {
  await writeFile(TYPES, wanted);
} else if ((await readFile(TYPES, "utf8").catch(() => "")) !== wanted) {
  console.error("clients/typescript/src/events.ts is not what docs/events.schema.json says. Run `npm run generate`.");
  process.exitCode = 1;
}
