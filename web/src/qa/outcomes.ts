// What outcome codes are called, by the forms of the campaigns; a code of no form is shown as it is.
import { ref } from "vue";
import { api, ask, type Schemas } from "@/api/client";
import { useSession } from "@/api/session";
import { language } from "@/i18n";

type Code = Schemas["CampaignOut"]["settings"]["form"]["codes"][number];

const known = ref(new Map<string, Code>());

async function load(): Promise<void> {
  const found = await ask(api.GET("/v1/campaigns"));
  known.value = new Map(found.items.flatMap((campaign) => campaign.settings.form.codes).map((code) => [code.code, code]));
}

/** The name of a code in the reader's language. Collectors may not list campaigns, and see codes. */
export function useOutcomes(): (code: string) => string {
  if (useSession().role !== "collector") load().catch(() => undefined); // without names the codes are still there
  return (code) => {
    const found = known.value.get(code);
    if (!found) return code;
    return language.value === "zh" ? found.label : found.label_en || found.label;
  };
}
