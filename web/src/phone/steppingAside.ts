// A collector whom nobody would hear is not given to people: they would hear silence, and be asked again another day.
import { computed, onScopeDispose, watch } from "vue";
import { api, ask } from "@/api/client";
import { useLive } from "@/api/live";
import { useSession } from "@/api/session";
import { useBrowserPhone } from "./phone";

/** States in which the next person is put through, or that lead there by themselves. */
const LEAD_TO_CALLS = ["ready", "preview", "wrapup"];
/** The break that says "not ready" and no more; a house without it has others. */
const NOT_READY = "aux";
const AGAIN_MS = 3000;

/** Takes the collector off calls while the microphone is lost, from the page that has the phone. */
export function useSteppingAside(): void {
  const session = useSession();
  const phone = useBrowserPhone();
  const agentId = computed(() => session.current?.account_id ?? 0);
  const desk = useLive().topic<{ state: string; pending: string | null }>(() => `agent/${agentId.value}`);
  const needed = computed(() => {
    const { state = "", pending = null } = desk.value ?? {};
    return phone.micLost && session.role === "collector" && pending === null && LEAD_TO_CALLS.includes(state);
  });
  let timer = 0;

  function tryNow(): void {
    stepAside(agentId.value).catch(() => undefined); // tried again while it is needed
  }

  watch(
    needed,
    (is) => {
      window.clearInterval(timer);
      if (!is) return;
      tryNow();
      timer = window.setInterval(tryNow, AGAIN_MS);
    },
    { immediate: true },
  );
  onScopeDispose(() => window.clearInterval(timer));
}

async function stepAside(agentId: number): Promise<void> {
  const path = { params: { path: { agent_id: agentId } } };
  const desk = await ask(api.GET("/v1/agents/{agent_id}", path));
  if (desk.phone !== "browser") return; // the shift runs on another phone
  const codes = (await ask(api.GET("/v1/break-codes"))).items.map((one) => one.code);
  const code = codes.find((one) => one === NOT_READY) ?? codes[0] ?? "";
  await ask(api.POST("/v1/agents/{agent_id}/break", { ...path, body: { code } }));
}
