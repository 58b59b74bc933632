// What each setting means, as the service explains it: form and API cannot differ.
import { asked, type Asked } from "@/api/asked";
import { api, ask, type Schemas } from "@/api/client";

export function useExplanations(): Asked<Schemas["SettingList"]> {
  return asked(() => ask(api.GET("/v1/settings/campaign")));
}
