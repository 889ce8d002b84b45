"use strict";
const page = JSON.parse(document.getElementById("items").textContent);
const $ = (id) => document.getElementById(id);
const place = (rank) => rank + (["th", "st", "nd", "rd"][rank % 100 > 10 && rank % 100 < 14 ? 0 : rank % 10] || "th");

let name = ""; // of the annotator
let tasks = []; // {kind, subject, context, edit}, in this annotator's order
let at = 0; // which task is shown; tasks.length is the end
let answers = new Map(); // task's key -> verdict or ranks
let order = []; // keys in the order in which they were answered, for undo
let picks = []; // the ranking under way: groups of ids, best first
let tie = false; // whether the next pick ties with the last
const unsaved = []; // lines that the server has not confirmed
let sending = false;

// ---- Order: sorted by a hash of name and id, so different for each annotator and stable.
function hash(text) {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
function shuffled(items) {
  const keyed = items.map((item) => [hash(`${name}\n${item.id}`), item]);
  return keyed.sort((a, b) => a[0] - b[0] || (a[1].id < b[1].id ? -1 : 1)).map((pair) => pair[1]);
}
function tasksOf(contexts) {
  return shuffled(contexts).flatMap((context) => {
    const edits = shuffled(context.edits);
    const here = { ...context, edits };
    const verdicts = edits.map((edit) => ({ kind: "verdict", subject: edit.id, context: here, edit }));
    if (edits.length < 2) return verdicts;
    return [...verdicts, { kind: "ranking", subject: context.id, context: here }];
  });
}
const keyOf = (task) => `${task.kind}:${task.subject}`;
const answered = () => tasks.filter((task) => answers.has(keyOf(task))).length;
// A browser may hold answers about other contexts of the same data set.
const isHere = (key) => tasks.some((task) => keyOf(task) === key);

// ---- Answers: lines as in the files, stored by the server or by this browser.
const shelf = () => `annotate ${page.data} ${name}`;
function read(line) {
  const key = line.kind === "verdict" ? `verdict:${line.id}` : `ranking:${line.context_id}`;
  const value = line.kind === "verdict" ? line.verdict : line.ranks;
  order = order.filter((other) => other !== key);
  if (value === null) answers.delete(key);
  else {
    answers.set(key, value);
    order.push(key);
  }
}
function record(task, value) {
  const line = { data: page.data, annotator: name, time: new Date().toISOString(), kind: task.kind };
  if (task.kind === "verdict") Object.assign(line, { id: task.subject, verdict: value });
  else Object.assign(line, { context_id: task.subject, ranks: value });
  read(line);
  const text = JSON.stringify(line);
  if (page.served) {
    unsaved.push(text);
    send();
    return;
  }
  try {
    localStorage.setItem(shelf(), `${localStorage.getItem(shelf()) || ""}${text}\n`);
  } catch {
    warn("This browser does not store data: allow it to, or your answers will be lost.");
  }
}
async function send() {
  if (sending) return;
  sending = true;
  try {
    while (unsaved.length) {
      const reply = await fetch(`answers/${name}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: unsaved[0],
      });
      if (!reply.ok) throw new Error((await reply.json()).error);
      unsaved.shift();
    }
    warn("");
  } catch (error) {
    const count = `${unsaved.length} answer${unsaved.length > 1 ? "s are" : " is"} not saved`;
    warn(`${count} (${error.message}). Keep this page open; saving is retried.`);
    setTimeout(send, 3000);
  } finally {
    sending = false;
  }
}
async function load() {
  if (!page.served) return localStorage.getItem(shelf()) || "";
  const reply = await fetch(`answers/${name}`);
  if (!reply.ok) throw new Error((await reply.json()).error);
  return reply.text();
}
function download() {
  const url = URL.createObjectURL(new Blob([localStorage.getItem(shelf()) || ""]));
  Object.assign(document.createElement("a"), { href: url, download: `${name}.jsonl` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
function warn(words) {
  $("alert").textContent = words;
  $("alert").hidden = !words;
}
