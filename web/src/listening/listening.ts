// Listening in: which ways the house allows, on whom we are, and changing it.
import { computed, type ComputedRef } from "vue";
import { asked } from "@/api/asked";
import { api, ask, type Schemas } from "@/api/client";
import { useLive } from "@/api/live";
import { useSession } from "@/api/session";
import "./words";

export type ListenMode = Schemas["ListenMode"];

/** `listening/ID` of a collector: who listens in, and how. */
interface LiveListening {
  agent_id: number;
  listeners: { account_id: number; name: string; mode: ListenMode }[];
}

export interface Listening {
  /** The ways that are allowed here. */
  allowed: ComputedRef<readonly ListenMode[]>;
  /** Whom we hear, and how; null: nobody. */
  mine: ComputedRef<{ agentId: number; mode: ListenMode } | null>;
  /** Listens to a collector, or in another way to the one we hear. */
  listen: (agentId: number, mode: ListenMode) => Promise<unknown>;
  stop: () => Promise<unknown>;
}

export function useListening(): Listening {
  const session = useSession();
  const pushed = useLive().under<LiveListening>("listening/");
  const known = asked(() => ask(api.GET("/v1/listening")));
  /** Quality assurance hears calls and speaks in none. */
  const allowed = computed(() => (known.data.value?.allowed ?? []).filter((mode) => mode === "monitor" || session.role !== "qa"));
  const mine = computed(() => {
    for (const { agent_id, listeners } of pushed.value.values()) {
      const own = listeners.find((one) => one.account_id === session.current?.account_id);
      if (own) return { agentId: agent_id, mode: own.mode };
    }
    return null;
  });

  function listen(agentId: number, mode: ListenMode): Promise<unknown> {
    const request = { params: { path: { agent_id: agentId } }, body: { mode } };
    return mine.value?.agentId === agentId
      ? ask(api.PUT("/v1/agents/{agent_id}/listening", request))
      : ask(api.POST("/v1/agents/{agent_id}/listening", request));
  }

  async function stop(): Promise<unknown> {
    if (mine.value === null) return;
    return ask(api.DELETE("/v1/agents/{agent_id}/listening", { params: { path: { agent_id: mine.value.agentId } } }));
  }
  return { allowed, mine, listen, stop };
}
