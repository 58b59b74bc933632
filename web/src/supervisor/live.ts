// What the service pushes for supervisors. Topics are no part of the OpenAPI document; these are their shapes.
import type { Schemas } from "@/api/client";

export type CampaignState = Schemas["CampaignState"];
export type AgentState = Schemas["AgentState"];

/** `campaign/ID`. A campaign that cannot be taken up says its name and why. */
export interface LiveCampaign {
  name: string;
  limiting: string;
  /** In Chinese; "" where it has no Chinese form. */
  limiting_zh?: string;
  campaign_id?: number;
  state?: CampaignState;
  state_reason?: string;
  waiting?: number;
  callable_now?: number;
  done?: number;
  exhausted?: number;
  stopped?: number;
  reconcile?: number;
  agents?: Record<string, number>;
  calls?: Record<string, number>;
  live?: number;
  abandoned?: number;
  /** One word for what holds the pace, and its sentence in both languages; `limiting` has the numbers. */
  limiting_factor?: string;
  limiting_words?: Schemas["Bilingual"];
  next_due_at?: string | null;
  budget_target?: number;
  budget_period_s?: number;
  occupancy?: number | null;
}

/** `today/ID` of a campaign and `today/house`: figures of the day by the keys of the definitions. */
export interface LiveToday {
  read_at: string;
  [key: string]: number | string | null;
}

/** `agent/ID`, gone when the collector logs out. */
export interface LiveAgent {
  name: string;
  state: AgentState;
  since?: string;
  limit_at?: string | null;
  pending?: string | null;
  cause?: string;
  /** In Chinese; "" where it has no Chinese form. */
  cause_zh?: string;
  campaign_ids: number[];
  attempt_id: number | null;
}

/** `trunk/NAME`. */
export interface LiveTrunk {
  group: string;
  is_up: boolean;
  in_use: number;
  channels: number;
  cps: number;
  obstacle: string;
  /** In Chinese; "" where it has no Chinese form. */
  obstacle_zh?: string;
}
