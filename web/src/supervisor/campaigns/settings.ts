// A campaign's settings as the form edits them. What each means, its range and choices come from the service; here is
// only which control edits it, and where a new campaign begins.
import type { Schemas } from "@/api/client";

export type Settings = Schemas["SettingsIn"];
export type Setting = Schemas["SettingOut"];
export type Control = "number" | "share" | "text" | "texts" | "boolean" | "choice" | "prompt";
export type FormField = NonNullable<NonNullable<Settings["form"]>["fields"]>[number];
export type Value = string | number | boolean | readonly string[] | null | undefined;

/** In the order in which a supervisor decides. */
export const GROUPS: readonly Setting["group"][] = ["pace", "parties", "call", "detection", "prompts", "collectors", "list"];
const TEXTS = ["caller_ids", "skills"];
const PART = "collecting.";

/** What edits a setting; null for those with an editor of their own. */
export function controlOf(setting: Setting): Control | null {
  if (TEXTS.includes(setting.name)) return "texts";
  if (/_prompt$|^reminder_script$/.test(setting.name)) return "prompt";
  if (setting.unit === "share") return "share";
  if (setting.type === "number" || setting.type === "integer") return "number";
  return setting.type === "text" || setting.type === "boolean" || setting.type === "choice" ? setting.type : null;
}

/** Whether it has an effect with the other settings as they are. */
export function matters(setting: Setting, settings: Settings): boolean {
  if (setting.name === "machine_prompt") return settings.machine_action === "leave_message";
  if (setting.name === "lost_person_cost_s") return settings.amd !== "off";
  return setting.modes.includes(settings.mode ?? "progressive");
}

export function valueOf(settings: Settings, name: string): Value {
  const part = name.startsWith(PART) ? (settings.collecting ?? {}) : settings;
  return (part as Record<string, Value>)[name.replace(PART, "")];
}

export function withValue(settings: Settings, name: string, value: Value): Settings {
  if (!name.startsWith(PART)) return { ...settings, [name]: value };
  return { ...settings, collecting: { ...settings.collecting, [name.replace(PART, "")]: value } };
}

/** A field of the form as another kind; the limits of the one before do not fit it and would not be seen. */
export function asKind({ name, label, label_en, required_for }: FormField, kind: FormField["kind"]): FormField {
  return { name, label, label_en, required_for, kind };
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

/** What a new campaign begins with: the house's defaults and numbers, a ready form, words for the collectors. */
export function starting(form: Schemas["DispositionForm"] | undefined, callerIds: readonly string[]): Settings {
  const begun: Settings = { mode: "progressive", caller_ids: [...callerIds], notice_prompt: "recording_notice", collecting: { script: SCRIPT } };
  if (form) begun.form = JSON.parse(JSON.stringify(form)) as Settings["form"];
  return JSON.parse(JSON.stringify(begun)) as Settings;
}
