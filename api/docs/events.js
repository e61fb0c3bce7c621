// The public events below the HTTP interface: each message of /events.json with the members of its payload.
"use strict";
(async () => {
  const answer = await fetch("/events.json");
  if (!answer.ok) return;
  const document_ = await answer.json();
  const schemas = document_.components.schemas;
  const named = (reference) => reference.split("/").pop();
  const follow = (node) => (node && node.$ref ? schemas[named(node.$ref)] : node);
  const element = (name, text, ...inside) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    made.append(...inside);
    return made;
  };

  // Those of a schema with those that it builds on.
  function members(node) {
    const schema = follow(node);
    const found = {};
    for (const base of schema.allOf || []) Object.assign(found, members(base));
    return Object.assign(found, schema.properties);
  }
  function kind(node) {
    const schema = follow(node);
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.join(" | ");
    const base = (schema.allOf || []).map(kind)[0];
    if (schema.items) return `${kind(schema.items)}[]`;
    return [schema.type || base || "object"].flat().join(" | ");
  }
  function rows(node, before) {
    return Object.entries(members(node)).flatMap(([name, member]) => {
      const schema = follow(member);
      const inside = schema.items ? follow(schema.items) : schema;
      const row = element("tr", "", element("td", before + name), element("td", kind(member)),
        element("td", member.description || schema.description || ""));
      const deeper = Object.keys(members(inside)).length > 0;
      return deeper ? [row, ...rows(inside, `${before}${name}.`)] : [row];
    });
  }

  for (const part of document_.info.description.split("\n\n"))
    document.getElementById("events-about").append(element("p", part.replaceAll("**", "").replaceAll("`", "")));
  for (const message of Object.values(document_.components.messages)) {
    const table = element("table", "", element("tbody", "", ...rows(message.payload, "")));
    const example = (follow(message.payload).examples || [])[0];
    const parts = [element("summary", `${message.name}: ${message.title}`), table];
    if (example) parts.push(element("pre", JSON.stringify(example, null, 2)));
    document.getElementById("events-list").append(element("details", "", ...parts));
  }
  document.getElementById("events").hidden = false;
})();
