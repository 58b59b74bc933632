// What can be chosen for a setting beside what is typed: the house's prompts, caller IDs, agencies and trunk groups.
import { computed } from "vue";
import { asked } from "@/api/asked";
import { api, ask } from "@/api/client";
import { controlOf, type Setting } from "./settings";

export function useOffers(): (setting: Setting) => readonly string[] {
  const prompts = asked(() => ask(api.GET("/v1/prompts")));
  const policy = asked(() => ask(api.GET("/v1/policy")));
  const trunks = asked(() => ask(api.GET("/v1/trunks")));
  const known = computed<Record<string, readonly string[]>>(() => ({
    caller_ids: policy.data.value?.caller_ids.filter((one) => one.in_force).map((one) => one.number) ?? [],
    agency: policy.data.value?.agencies ?? [],
    trunk_group: [...new Set(trunks.data.value?.items.map((one) => one.group))],
  }));
  const promptNames = computed(() => prompts.data.value?.items.map((one) => one.name) ?? []);
  return (setting) => (controlOf(setting) === "prompt" ? promptNames.value : (known.value[setting.name] ?? []));
}
