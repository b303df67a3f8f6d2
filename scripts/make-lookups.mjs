// Makes the tables of crates/pipeline/data out of four npm packages, unpacked by `npm pack NAME && tar xzf …`:
//   node scripts/make-lookups.mjs GEO_FOLDER UAP_CORE_FOLDER CRAWLERS_FOLDER DISPOSABLE_FOLDER
// where they are the `package` folders of @ip-location-db/asn-country (data of the regional internet registries,
// CC BY 4.0, by the Number Resource Organization), uap-core (Apache-2.0), crawler-user-agents (MIT) and
// disposable-email-domains-js (CC0-1.0). NOTICE names them.
//
// countries.bin is zlib over: "VIGIEGEO" and the version 1; the number of countries (u16, all numbers big-endian), each its code
// (2 bytes), the length of its name (u8) and the name; then for IPv4 and for IPv6 the number of ranges (u32), for each the first
// address as the difference from the one before (LEB128; of IPv6 the upper 64 bits), then for each its country (u8: 0 none,
// else the place in the list from 1). A range ends where the next begins.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";

const [geo, uapCore, crawlers, disposable] = process.argv.slice(2);
const out = new URL("../crates/pipeline/data/", import.meta.url).pathname;
const names = new Intl.DisplayNames(["en"], { type: "region" });

/** Starts of ranges and their country, gaps included, neighbours of one country joined. */
function ranges(file, bits) {
  const shift = bits === 128 ? 64n : 0n;
  const found = [];
  let next = 0n;
  const add = (start, code) => {
    if (found.length > 0 && found.at(-1).start === start) found.pop();
    if ((found.at(-1)?.code ?? "") !== code) found.push({ start, code });
  };
  for (const line of readFileSync(file, "utf8").trim().split("\n")) {
    const [first, last, code] = line.split(",");
    // Of IPv6 a /64 is the smallest that is told apart.
    const [start, end] = [BigInt(first) >> shift, (BigInt(last) >> shift) + 1n];
    if (end <= next) continue;
    if (start > next) add(next, "");
    add(start > next ? start : next, code.trim());
    next = end;
  }
  if (next < 1n << BigInt(bits === 128 ? 64 : 32)) add(next, "");
  return found;
}

function leb128(number) {
  const bytes = [];
  for (; number > 127n; number >>= 7n) bytes.push(Number(number & 127n) | 128);
  return [...bytes, Number(number)];
}

function countries() {
  const tables = [
    ranges(join(geo, "asn-country-ipv4-num.csv"), 32),
    ranges(join(geo, "asn-country-ipv6-num.csv"), 128),
  ];
  const codes = [...new Set(tables.flat().map((range) => range.code))].filter((code) => code !== "").sort();
  const bytes = [...Buffer.from("VIGIEGEO"), 1, codes.length >> 8, codes.length & 255];
  for (const code of codes) {
    const name = Buffer.from(names.of(code));
    bytes.push(...Buffer.from(code), name.length, ...name);
  }
  const chunks = [Buffer.from(bytes)];
  for (const table of tables) {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(table.length);
    const deltas = table.flatMap(({ start }, at) => leb128(start - (at === 0 ? 0n : table[at - 1].start)));
    chunks.push(count, Buffer.from(deltas), Buffer.from(table.map(({ code }) => codes.indexOf(code) + 1)));
  }
  const packed = deflateSync(Buffer.concat(chunks), { level: 9, memLevel: 9 });
  writeFileSync(join(out, "countries.bin"), packed);
  console.log(`countries.bin: ${packed.length} bytes, ${tables.map((table) => table.length).join(" + ")} ranges, ${codes.length} countries`);
}

/** uap-core's rules: lists of `- regex: '…'` with further keys, and nothing else that YAML has. */
function userAgents() {
  const [lists, text] = [{}, readFileSync(join(uapCore, "regexes.yaml"), "utf8")];
  let list, rule;
  const unquoted = (value) => {
    const quote = value[0];
    if (quote === "'") return value.slice(1, value.lastIndexOf("'")).replaceAll("''", "'");
    if (quote === '"') return JSON.parse(value.slice(0, value.lastIndexOf('"') + 1));
    return value.replace(/\s+#.*$/, "");
  };
  for (const line of text.split("\n")) {
    const [, dash, key, value] = line.match(/^\s*(- )?\s*(\w+):\s*(.*?)\s*$/) ?? [];
    if (line.trim().startsWith("#") || key === undefined) continue;
    if (value === "") lists[key] = list = [];
    else if (dash) list.push((rule = { [key]: unquoted(value) }));
    else rule[key] = unquoted(value);
  }
  const json = JSON.stringify(lists);
  writeFileSync(join(out, "user_agents.json"), json + "\n");
  console.log(`user_agents.json: ${json.length} bytes, ${Object.values(lists).map((rules) => rules.length).join(" + ")} rules`);
}

function crawlerPatterns() {
  const list = JSON.parse(readFileSync(join(crawlers, "crawler-user-agents.json"), "utf8"));
  writeFileSync(join(out, "crawlers.txt"), list.map((entry) => entry.pattern).join("\n") + "\n");
  console.log(`crawlers.txt: ${list.length} patterns`);
}

function disposableDomains() {
  const list = JSON.parse(readFileSync(join(disposable, "dist/dict/disposable_email_blocklist.json"), "utf8"));
  const domains = [...new Set(list.map((domain) => domain.trim().toLowerCase()))].filter((domain) => domain.includes(".")).sort();
  writeFileSync(join(out, "disposable_domains.txt"), domains.join("\n") + "\n");
  console.log(`disposable_domains.txt: ${domains.length} domains`);
}

countries();
userAgents();
disposableDomains();
crawlerPatterns();
