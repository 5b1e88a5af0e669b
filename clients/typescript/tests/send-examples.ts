/** `node send-examples.js URL TOKEN` sends each example to an intake, and prints them and the ids of their entries. */

import { HttpFeed } from "../src/index.js";
import { EXAMPLES } from "./examples.js";

const [url = "", token = ""] = process.argv.slice(2);
const ids = await new HttpFeed(url, token).send(EXAMPLES);
console.log(JSON.stringify({ events: EXAMPLES, ids }));
