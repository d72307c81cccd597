// Fetches feeds as its users do, and prints what feedsmith reads in them: node feedsmith.mjs FOLDER [ADDRESS TAG]...
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, ...asked] = process.argv.slice(2);
const { parseFeed } = createRequire(join(folder, "package.json"))("feedsmith");

const answers = [];
for (let n = 0; n < asked.length; n += 2) {
  const tag = asked[n + 1];
  const answer = await fetch(asked[n], { headers: tag ? { "If-None-Match": tag } : {} });
  const text = await answer.text();
  const parsed = answer.status === 200 ? parseFeed(text) : {};
  answers.push({ status: answer.status, tag: answer.headers.get("etag"), ...parsed });
}
console.log(JSON.stringify(answers));
