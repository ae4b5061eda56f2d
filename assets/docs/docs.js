// The page of the API: reads the OpenAPI document of this very server and lets one try its calls. Nothing is stored:
// an API key lives as long as the page.

const state = { key: "", csrf: "", document: null };
const byId = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

async function load() {
  const headers = state.key ? { authorization: `Bearer ${state.key}` } : {};
  const answer = await fetch("/api/v1/openapi.json", { headers });
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  state.document = await answer.json();
  state.csrf = "";
  if (!state.key) {
    const session = await fetch("/api/v1/session");
    if (session.ok) state.csrf = (await session.json()).csrf ?? "";
  }
  const who = state.key ? "with the API key" : state.csrf ? "as you are logged in" : "without logging in";
  byId("about").textContent = `Version ${state.document.info.version}. ${state.document.info.description} You call ${who}.`;
  show();
}

function resolve(schema) {
  const name = schema?.$ref;
  if (!name) return schema;
  return name.slice(2).split("/").reduce((at, part) => at?.[part], state.document);
}

// An example of a schema, deep enough to be edited into a real body.
function example(schema, depth = 0) {
  schema = resolve(schema) ?? {};
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives) return example(alternatives[0], depth);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => example(part, depth)));
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "array") return depth > 3 ? [] : [example(schema.items, depth + 1)];
  if (type === "object" || schema.properties) {
    const properties = Object.entries(schema.properties ?? {});
    const required = new Set(schema.required ?? []);
    const chosen = required.size ? properties.filter(([name]) => required.has(name)) : properties.slice(0, 4);
    return depth > 3 ? {} : Object.fromEntries(chosen.map(([name, part]) => [name, example(part, depth + 1)]));
  }
  return { integer: 1, number: 1, boolean: true, string: "" }[type] ?? null;
}

function input(parameter) {
  parameter = resolve(parameter);
  const id = `p${Math.random().toString(36).slice(2)}`;
  const control = element("input", { id, name: parameter.name, required: Boolean(parameter.required), spellcheck: false });
  const help = parameter.description ? element("small", { textContent: parameter.description }) : null;
  const label = element("label", { htmlFor: id, textContent: parameter.name + (parameter.required ? " *" : "") });
  return { place: parameter.in, control, row: element("div", { className: "field" }, label, control, help) };
}

function call(path, method, operation) {
  const inputs = (operation.parameters ?? []).map(input);
  const [mediaType, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const isJson = mediaType === "application/json";
  const body = isJson ? element("textarea", { spellcheck: false, value: JSON.stringify(example(content.schema), null, 2), ariaLabel: "Body" }) : null;
  const file = mediaType === "multipart/form-data" ? element("input", { type: "file", ariaLabel: "File" }) : null;
  const output = element("pre", { hidden: true, tabIndex: 0, ariaLabel: "Answer" });
  const form = element("form", {}, ...inputs.map((one) => one.row), body, file, element("button", { type: "submit", textContent: "Send" }), output);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send({ path, method, inputs, body, file, output });
  });
  const right = element("p", { className: "what", textContent: `Needs: ${operation["x-permission"]}` });
  return element("details", { className: "call" },
    element("summary", {},
      element("span", { className: `method ${method}`, textContent: method.toUpperCase() }),
      element("span", { className: "path", textContent: path }),
      element("span", { className: "what", textContent: operation.summary })),
    element("div", {}, right, form));
}

async function send({ path, method, inputs, body, file, output }) {
  const headers = {};
  const query = new URLSearchParams();
  let address = path;
  for (const { place, control } of inputs) {
    if (place === "path") address = address.replace(`{${control.name}}`, encodeURIComponent(control.value));
    else if (control.value === "") continue;
    else if (place === "query") query.set(control.name, control.value);
    else headers[control.name] = control.value;
  }
  if (query.size) address += `?${query}`;
  if (state.key) headers.authorization = `Bearer ${state.key}`;
  else if (method !== "get") headers["x-csrf-token"] = state.csrf;
  const request = { method: method.toUpperCase(), headers };
  if (file?.files[0]) {
    request.body = new FormData();
    request.body.set("file", file.files[0]);
  } else if (body) {
    headers["content-type"] = "application/json";
    request.body = body.value;
  }
  output.hidden = false;
  output.textContent = "…";
  try {
    const started = performance.now();
    const answer = await fetch(address, request);
    const text = await answer.text();
    const took = Math.round(performance.now() - started);
    const shown = ["etag", "x-aplomb-seq", "location", "x-request-id"].filter((name) => answer.headers.has(name));
    const lines = shown.map((name) => `${name}: ${answer.headers.get(name)}`);
    output.textContent = [`${answer.status} ${answer.statusText} in ${took} ms`, ...lines, "", pretty(text)].join("\n");
  } catch (error) {
    output.textContent = String(error);
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text.slice(0, 100000);
  }
}

function show() {
  const wanted = byId("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map();
  for (const [path, item] of Object.entries(state.document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const text = `${method} ${path} ${operation.summary}`.toLowerCase();
      if (!wanted.every((word) => text.includes(word))) continue;
      const tag = operation.tags[0];
      groups.set(tag, [...(groups.get(tag) ?? []), call(path, method, operation)]);
    }
  }
  const sections = [...groups].map(([tag, calls]) => element("section", {}, element("h2", { id: `tag-${tag}`, textContent: tag }), ...calls));
  byId("calls").replaceChildren(...sections);
  byId("groups").replaceChildren(...[...groups.keys()].map((tag) => element("li", {}, element("a", { href: `#tag-${tag}`, textContent: tag }))));
}

function fail(error) {
  byId("about").textContent = `The document could not be read: ${error.message}`;
}

byId("who").addEventListener("submit", (event) => {
  event.preventDefault();
  state.key = byId("key").value.trim();
  load().catch(fail);
});
byId("find").addEventListener("input", show);
load().catch(fail);
