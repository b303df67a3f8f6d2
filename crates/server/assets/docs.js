// Shows /api/openapi.json as a list of operations. It builds elements and sets text only, so that
// nothing in the document can become markup.
"use strict";

const DEPTH_MAX = 6;
const METHODS = ["get", "post", "put", "delete"];

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function resolve(api, schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? api.components?.schemas?.[name] ?? {} : schema ?? {};
}

function example(api, schema, depth) {
  if (schema?.example !== undefined) return schema.example;
  const found = resolve(api, schema);
  if (found.example !== undefined) return found.example;
  if (depth > DEPTH_MAX) return "…";
  if (found.enum) return found.enum.join(" | ");
  if (found.const !== undefined) return found.const;
  const parts = found.oneOf ?? found.anyOf;
  if (parts) return example(api, parts.find((part) => part.type !== "null") ?? parts[0], depth + 1);
  if (found.allOf) return Object.assign({}, ...found.allOf.map((part) => example(api, part, depth + 1)));
  const type = Array.isArray(found.type) ? found.type.find((one) => one !== "null") : found.type;
  if (found.properties) {
    const entries = Object.entries(found.properties);
    return Object.fromEntries(entries.map(([name, inner]) => [name, example(api, inner, depth + 1)]));
  }
  if (type === "array") return [example(api, found.items, depth + 1)];
  if (type === "object") return found.additionalProperties ? { "…": example(api, found.additionalProperties, depth + 1) } : {};
  if (type === "integer" || type === "number") return 0;
  if (type === "boolean") return true;
  return found.format ?? "string";
}

function typeOf(api, schema) {
  const found = resolve(api, schema);
  const type = Array.isArray(found.type) ? found.type.join(" or ") : found.type ?? "any";
  return found.enum ? found.enum.join(" | ") : type;
}

function content(api, holder, parts) {
  for (const [type, media] of Object.entries(parts ?? {})) {
    holder.append(element("p", type));
    if (media.schema) holder.append(element("pre", JSON.stringify(example(api, media.schema, 0), null, 2)));
  }
}

function parameters(api, list) {
  const table = element("table");
  for (const parameter of list) {
    const row = element("tr");
    row.append(element("td"), element("td", parameter.in), element("td", typeOf(api, parameter.schema)));
    row.firstChild.append(element("code", parameter.name));
    row.append(element("td", (parameter.required ? "required. " : "") + (parameter.description ?? "")));
    table.append(row);
  }
  return table;
}

function operation(api, path, method, found) {
  const box = element("details");
  const summary = element("summary");
  summary.append(element("span", method.toUpperCase(), "method"), element("code", path));
  summary.append(element("span", found.summary ?? "", "words"));
  box.append(summary);
  box.dataset.words = [method, path, found.summary, found.description].join(" ").toLowerCase();
  box.addEventListener("toggle", () => fill(api, box, found), { once: true });
  return box;
}

function fill(api, box, found) {
  if (found.description) box.append(element("p", found.description));
  if (found.parameters?.length) box.append(element("h3", "Parameters"), parameters(api, found.parameters));
  if (found.requestBody) {
    box.append(element("h3", "Request body"));
    content(api, box, found.requestBody.content);
  }
  for (const [status, answer] of Object.entries(found.responses ?? {})) {
    box.append(element("h3", `${status}: ${answer.description ?? ""}`));
    content(api, box, answer.content);
  }
}

function show(api) {
  const main = document.getElementById("operations");
  main.replaceChildren();
  for (const tag of api.tags ?? []) {
    const boxes = Object.entries(api.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method]?.tags?.includes(tag.name)).map((method) => operation(api, path, method, item[method])),
    );
    if (boxes.length === 0) continue;
    const section = element("section");
    section.append(element("h2", `${tag.name}: ${tag.description ?? ""}`), ...boxes);
    main.append(section);
  }
}

function filter(text) {
  const wanted = text.trim().toLowerCase();
  for (const section of document.querySelectorAll("section")) {
    let shown = 0;
    for (const box of section.querySelectorAll("details")) {
      box.hidden = !box.dataset.words.includes(wanted);
      shown += box.hidden ? 0 : 1;
    }
    section.hidden = shown === 0;
  }
}

async function start() {
  try {
    const answer = await fetch("/api/openapi.json");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
  } catch (error) {
    const main = document.getElementById("operations");
    main.replaceChildren(element("p", `The API document could not be loaded (${error.message}); reload the page.`));
  }
}

document.getElementById("filter").addEventListener("input", (event) => filter(event.target.value));
start();
