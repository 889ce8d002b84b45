// ---- The view.
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== ""));
  return node;
}
function frame(tag, kind, source, alt, context) {
  const picture = el("img", { src: source, alt, width: context.width, height: context.height });
  return el(tag, { class: `frame ${kind}`, style: `--ratio: ${context.width} / ${context.height}` }, picture);
}
function show() {
  const done = at >= tasks.length;
  for (const id of ["work", "acts"]) $(id).hidden = done;
  $("start").hidden = true;
  $("end").hidden = !done;
  $("bar").hidden = false;
  $("progress").max = tasks.length;
  $("progress").value = answered();
  $("count").textContent = `${answered()} of ${tasks.length}`;
  $("progress").textContent = $("count").textContent;
  $("download").hidden = page.served;
  if (done) showEnd();
  else showTask(tasks[at]);
}
function showEnd() {
  const open = tasks.length - answered();
  $("ended").textContent = open ? "The end of the list" : "All done, thank you";
  const kept = page.served ? "Your answers are saved." : "Download them and hand in the file.";
  $("rest").textContent = open ? `${open} still to answer.` : `${answered()} answers. ${kept}`;
  $("resume").hidden = !open;
  $("take").hidden = page.served;
  $("ended").focus();
}
function showTask(task) {
  const { context } = task;
  const ranking = task.kind === "ranking";
  document.body.className = task.kind;
  $("kicker").textContent = ranking
    ? `${at + 1} · Put the ${context.edits.length} edits in order: the best first`
    : `${at + 1} · Does this edit pass?`;
  $("goal").textContent = `“${context.goal}”`;
  const given = el("figure", null, frame("div", "given", context.source, "The photograph", context), el("figcaption", null, "Photograph"));
  const edits = ranking ? context.edits.map((edit, i) => choice(task, edit, i)) : [theEdit(task)];
  $("pictures").replaceChildren(given, ...edits);
  $("plan").replaceChildren(...(ranking ? [] : plan(task.edit)));
  $("verdicts").hidden = ranking;
  for (const id of ["order", "equal"]) $(id).hidden = !ranking;
  if (ranking) showOrder(task);
  const verdict = answers.get(keyOf(task));
  for (const id of ["pass", "fail"]) $(id).setAttribute("aria-pressed", verdict === id);
  $("previous").disabled = at === 0;
  $("undo").disabled = !order.some(isHere) && !picks.length;
  const after = tasks[at + 1];
  if (after && after.edit) new Image().src = after.edit.picture;
}
function theEdit(task) {
  const picture = frame("div", "edit", task.edit.picture, "The edit", task.context);
  return el("figure", null, picture, el("figcaption", null, "Edit"));
}
function plan(edit) {
  const steps = edit.steps.map((step) => {
    const further = step.further ? el("small", null, ` ${step.further}`) : "";
    const what = el("p", null, `${step.tool}: `, el("b", null, step.target), further);
    return el("li", null, what, step.reason ? el("p", { class: "reason" }, step.reason) : "");
  });
  const words = edit.instruction || "None";
  const list = steps.length ? el("ol", null, ...steps) : el("p", null, "None: the photograph is unchanged.");
  return [
    el("section", null, el("h2", null, "Instruction"), el("blockquote", null, words)),
    el("section", null, el("h2", null, "Steps"), list),
  ];
}
function ranksOf(groups) {
  const ranks = {};
  let before = 0;
  for (const group of groups) {
    for (const id of group) ranks[id] = before + 1;
    before += group.length;
  }
  return ranks;
}
function choice(task, edit, i) {
  const ranks = picks.length ? ranksOf(picks) : answers.get(keyOf(task)) || {};
  const rank = ranks[edit.id];
  const said = rank ? place(rank) : "";
  const button = frame("button", `edit${rank ? " picked" : ""}`, edit.picture, "", task.context);
  button.type = "button";
  button.setAttribute("aria-label", `Edit ${i + 1}${said && `, ${said}`}`);
  if (said) button.append(el("span", { class: "place" }, said));
  button.addEventListener("click", () => pick(i));
  return el("figure", null, button, el("figcaption", null, "Edit ", el("kbd", null, `${i + 1}`)));
}
function showOrder(task) {
  const count = picks.flat().length;
  const standing = !count && answers.has(keyOf(task));
  const next = tie ? `tied with the ${place(count)}` : place(count + 1);
  $("order").textContent = standing ? "Ranked; choose the best to rank again" : count ? `Which is ${next}?` : "Which is the best?";
  $("equal").disabled = !count;
  $("equal").setAttribute("aria-pressed", tie);
  $("status").textContent = $("order").textContent;
}

// ---- Actions.
function go(to) {
  at = Math.max(0, Math.min(tasks.length, to));
  picks = [];
  tie = false;
  show();
  scrollTo(0, 0);
  if (at < tasks.length) $("goal").focus({ preventScroll: true });
}
function answer(verdict) {
  if (at >= tasks.length || tasks[at].kind !== "verdict") return;
  record(tasks[at], verdict);
  go(at + 1);
  $("status").textContent = verdict === "pass" ? "Passed" : "Failed";
}
function pick(i) {
  const task = tasks[at];
  if (!task || task.kind !== "ranking" || i >= task.context.edits.length) return;
  const { id } = task.context.edits[i];
  if (picks.flat().includes(id)) return;
  if (tie) picks[picks.length - 1].push(id);
  else picks.push([id]);
  tie = false;
  if (picks.flat().length < task.context.edits.length) {
    show();
    document.querySelectorAll("button.frame")[i].focus({ preventScroll: true });
    return;
  }
  record(task, ranksOf(picks));
  go(at + 1);
  $("status").textContent = "Ranked";
}
function toggleTie() {
  if (at >= tasks.length || tasks[at].kind !== "ranking" || !picks.length) return;
  tie = !tie;
  showOrder(tasks[at]);
}
function undo() {
  if (picks.length) {
    const last = picks[picks.length - 1];
    last.pop();
    if (!last.length) picks.pop();
    tie = false;
    show();
    return;
  }
  const to = tasks.findIndex((task) => keyOf(task) === order.findLast(isHere));
  if (to < 0) return;
  record(tasks[to], null);
  go(to);
  $("status").textContent = "Answer undone";
}
function firstOpen() {
  const open = tasks.findIndex((task) => !answers.has(keyOf(task)));
  return open < 0 ? tasks.length : open;
}
async function begin(who) {
  name = who;
  answers = new Map();
  order = [];
  try {
    (await load()).split("\n").filter(Boolean).forEach((line) => read(JSON.parse(line)));
  } catch (error) {
    warn(`The answers of ${name} cannot be loaded (${error.message}).`);
    return;
  }
  warn("");
  tasks = tasksOf(page.contexts);
  $("who").textContent = name;
  sessionStorage.setItem("annotator", name);
  go(firstOpen());
}
function peek(on) {
  const task = tasks[at];
  const picture = document.querySelector(".verdict .edit img");
  if (task && task.kind === "verdict" && picture) picture.src = on ? task.context.source : task.edit.picture;
}

// ---- Keys and buttons.
const KEYS = {
  p: () => answer("pass"), f: () => answer("fail"), u: undo, "=": toggleTie, o: () => peek(true),
  arrowleft: () => go(at - 1), arrowright: () => go(at + 1), "?": () => $("help").showModal(),
};
document.addEventListener("keydown", (event) => {
  if (!name || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || $("help").open) return;
  if (event.target.matches("input")) return;
  const key = event.key.toLowerCase();
  const act = /^[1-9]$/.test(key) ? () => pick(Number(key) - 1) : KEYS[key];
  if (!act) return;
  event.preventDefault();
  if (!event.repeat) act();
});
document.addEventListener("keyup", (event) => event.key.toLowerCase() === "o" && peek(false));
addEventListener("blur", () => peek(false));
addEventListener("beforeunload", (event) => unsaved.length && event.preventDefault());
const CLICKS = {
  pass: () => answer("pass"), fail: () => answer("fail"), undo, equal: toggleTie, download, take: download,
  previous: () => go(at - 1), next: () => go(at + 1), back: () => go(tasks.length - 1),
  resume: () => go(firstOpen()), ask: () => $("help").showModal(),
  leave: () => { sessionStorage.removeItem("annotator"); location.reload(); },
};
for (const [id, act] of Object.entries(CLICKS)) $(id).addEventListener("click", act);
$("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  begin($("name").value);
});
const count = page.contexts.reduce((sum, context) => sum + context.edits.length, 0);
const keep = page.served ? "Answers are saved as you give them." : "Answers are kept in this browser; download them at the end.";
$("kept").textContent = `${count} edits of ${page.contexts.length} photographs. ${keep}`;
const before = sessionStorage.getItem("annotator");
if (before) begin(before);
else $("name").focus();
