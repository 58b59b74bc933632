// A campaign's settings as the form edits them: which stand together, what matters in which mode, where to begin.
import type { Schemas } from "@/api/client";

export type Settings = Schemas["SettingsIn"];
export type Mode = Schemas["CampaignMode"];
/** Settings that are one value; the others have editors of their own. */
export type PlainName = Exclude<keyof Settings, "retries" | "priority" | "form" | "collecting">;
export type Control = "number" | "share" | "text" | "texts" | "choice" | "prompt";

export interface Plain {
  name: PlainName;
  control: Control;
  choices?: readonly string[];
  /** In which modes it means anything; left out: in all. */
  modes?: readonly Mode[];
}

export interface Group {
  name: string;
  settings: readonly Plain[];
}

export const MODES: readonly Mode[] = ["progressive", "predictive", "power", "preview", "reminder"];
const AHEAD: readonly Mode[] = ["predictive", "power"];
const WITH_COLLECTORS: readonly Mode[] = ["progressive", "predictive", "power", "preview"];

export const GROUPS: readonly Group[] = [
  {
    name: "pace",
    settings: [
      { name: "mode", control: "choice", choices: MODES },
      { name: "abandon_target", control: "share", modes: [...AHEAD, "progressive"] },
      { name: "max_lines_per_agent", control: "number", modes: ["predictive"] },
      { name: "power_ratio", control: "number", modes: ["power"] },
      { name: "max_reminder_channels", control: "number", modes: ["reminder"] },
      { name: "ring_timeout_s", control: "number" },
    ],
  },
  {
    name: "shown",
    settings: [
      { name: "caller_ids", control: "texts" },
      { name: "trunk_group", control: "text" },
      { name: "agency", control: "text" },
      { name: "creditor", control: "text" },
      { name: "product", control: "text" },
    ],
  },
  {
    name: "answer",
    settings: [
      { name: "amd", control: "choice", choices: ["off", "before_connect", "parallel"] },
      { name: "lost_person_cost_s", control: "number" },
      { name: "machine_action", control: "choice", choices: ["hang_up", "leave_message"] },
      { name: "machine_prompt", control: "prompt" },
      { name: "safe_harbour_prompt", control: "prompt", modes: [...AHEAD, "progressive"] },
      { name: "notice_prompt", control: "prompt" },
      { name: "reminder_script", control: "prompt", modes: ["reminder"] },
    ],
  },
  {
    name: "collectors",
    settings: [
      { name: "skills", control: "texts", modes: WITH_COLLECTORS },
      { name: "wrap_up_limit_s", control: "number", modes: WITH_COLLECTORS },
      { name: "preview_limit_s", control: "number", modes: ["preview"] },
    ],
  },
];

export function matters(setting: Plain, settings: Settings): boolean {
  if (setting.name === "machine_prompt") return settings.machine_action === "leave_message";
  if (setting.name === "lost_person_cost_s") return settings.amd !== "off";
  return setting.modes === undefined || setting.modes.includes(settings.mode ?? "progressive");
}

/** Settings as stored, to be changed: what comes from the service is what may be sent to it. */
export function editable(stored: Schemas["CampaignSettings"]): Settings {
  return JSON.parse(JSON.stringify(stored)) as Settings;
}

const SCRIPT: Schemas["ScriptIn"] = {
  opening: {
    zh: "您好，请问是{person_name}本人吗？我是{agency}的{collector_name}，本次通话将被录音。",
    en: "Good day, am I speaking with {person_name}? This is {collector_name} of {agency}; the call is recorded.",
  },
  third_party: {
    zh: "打扰了。麻烦您请{person_name}方便时回电，其他事项不便说明。谢谢。",
    en: "Sorry to have troubled you. Would you ask {person_name} to call back? I cannot say more. Thank you.",
  },
  after_identity: {
    zh: "您在{creditor}的账单{amount_due}元已逾期{days_overdue}天，请问您打算什么时候处理？",
    en: "Your balance of {amount_due} with {creditor} is {days_overdue} days overdue. When can you take care of it?",
  },
  closing: {
    zh: "我们约定的金额和日期已登记，感谢您的配合。",
    en: "I have noted the amount and the day that we agreed on. Thank you.",
  },
};

/** What a new campaign begins with: the house's defaults, a ready form, words for the collectors. */
export function starting(form: Schemas["DispositionForm"] | undefined): Settings {
  const begun: Settings = { mode: "progressive", caller_ids: [], notice_prompt: "recording_notice", collecting: { script: SCRIPT } };
  if (form) begun.form = JSON.parse(JSON.stringify(form)) as Settings["form"];
  return JSON.parse(JSON.stringify(begun)) as Settings;
}
