// The status page: asks for a token, opens the WebSocket of live state, and shows each topic as a card.
// The token is kept in this tab only and never put into a URL. All values are shown as text, never as markup.
"use strict";

const RETRY_MS = 2000;
const REFUSED = 1008; // RFC 6455 §7.4.1: policy violation; the token was not accepted
const NAMES = {
  abandoned: "abandoned 放弃", attempt_id: "attempt 呼叫编号", campaign_id: "campaign 活动编号", cause: "cause 原因", abandoned_share: "abandoned share 放弃率", abandoned_on_record: "abandoned on record 已记录放弃", abandoned_share_on_record: "share on record 已记录放弃率", agents: "collectors 催收员", calls: "calls 通话",
  callable_now: "callable now 当前可呼", campaign_ids: "campaigns 活动", channels: "channels 通道", cps: "calls per second 每秒呼叫",
  done: "done 已完成", exhausted: "exhausted 已用尽", group: "group 线路组", in_use: "in use 占用", is_up: "up 正常",
  limiting: "pace 节奏", live: "people reached 接通人数", live_on_record: "reached on record 已记录接通", obstacle: "obstacle 受阻原因", reconcile: "to reconcile 待核对",
  alarm: "alarm 告警", failed: "failed 失败待重试", first_free_mb: "free MB 剩余空间 MB", first_well: "disk well 磁盘正常", second_free_mb: "second: free MB 备用剩余 MB", second_well: "second well 备用正常",
  moved: "moved to second 转到备用", not_durable_ms: "not durable ms 未落盘 ms", longest_not_durable_ms: "longest not durable ms 最长未落盘 ms",
  objects_without_key: "without key 无密钥对象", overdue: "overdue 逾期未删", problem: "problem 问题", sequence: "entries 条目", stamp_failed: "stamp failed 时间戳失败", unsigned: "unsigned 未签名",
  since: "since 自", state: "state 状态", state_reason: "why 原因", stopped: "stopped 已停止", waiting: "waiting 等待",
};

const KINDS = { spool: "Spool 录音缓存", recordings: "Finalising 录音封存", ledger: "Ledger 证据账本", retention: "Retention 保存期限" };
const TROUBLE = new Set(["alarm", "obstacle", "problem"]);

const state = document.getElementById("state");
const form = document.getElementById("login");
const field = document.getElementById("token");
const board = document.getElementById("board");
const cards = new Map();
let token = sessionStorage.getItem("token");

function say(text, mood) {
  state.textContent = text;
  state.className = mood || "";
}

function askForToken(text) {
  sessionStorage.removeItem("token");
  token = null;
  form.hidden = false;
  board.hidden = true;
  say(text, text ? "bad" : "");
  field.focus();
}

function show(value) {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toFixed(2);
  if (value === null || value === undefined || value === "") return "–";
  if (value === true) return "yes 是";
  if (value === false) return "no 否";
  if (Array.isArray(value)) return value.map(show).join(", ") || "–";
  if (typeof value === "object") {
    return Object.entries(value).map(([key, inner]) => `${key} ${show(inner)}`).join(" · ") || "–";
  }
  return String(value);
}

function heading(topic) {
  const [kind, id] = topic.split("/");
  return KINDS[kind] ? `${KINDS[kind]} · ${id}` : topic;
}

function card(topic, holder) {
  let element = cards.get(topic);
  if (!element) {
    element = document.createElement("article");
    cards.set(topic, element);
    holder.append(element);
  }
  return element;
}

function update(topic, data) {
  const holder = document.querySelector(`[data-kind~="${CSS.escape(topic.split("/")[0])}"]`);
  if (!holder) return;
  if (data === null) {
    cards.get(topic)?.remove();
    cards.delete(topic);
    return;
  }
  const title = document.createElement("h3");
  title.textContent = data.name ? String(data.name) : heading(topic);
  const list = document.createElement("dl");
  for (const [key, value] of Object.entries(data)) {
    if (key === "name") continue;
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = NAMES[key] || key.replaceAll("_", " ");
    text.textContent = show(value);
    if (TROUBLE.has(key) && value) text.className = "bad";
    list.append(term, text);
  }
  card(topic, holder).replaceChildren(title, list);
}

function connect() {
  say("connecting … 连接中…");
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/live`);
  socket.onopen = () => socket.send(JSON.stringify({ token }));
  socket.onmessage = (event) => {
    sessionStorage.setItem("token", token);
    form.hidden = true;
    board.hidden = false;
    say(`live 实时 · ${new Date().toLocaleTimeString()}`, "good");
    for (const [topic, data] of Object.entries(JSON.parse(event.data))) update(topic, data);
  };
  socket.onclose = (event) => {
    if (event.code === REFUSED) {
      askForToken("token refused 令牌无效");
      return;
    }
    say("connection lost, trying again … 连接中断，正在重试…", "bad");
    for (const element of cards.values()) element.remove();
    cards.clear();
    setTimeout(connect, RETRY_MS);
  };
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  token = field.value.trim();
  field.value = "";
  if (token) connect();
});

if (token) connect();
else askForToken("");
