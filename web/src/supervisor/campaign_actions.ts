// What a supervisor can do with a campaign in each state; the service decides, this only offers.
import { api, ask, type Schemas } from "@/api/client";
import type { CampaignState } from "./live";

export type CampaignAction = "start" | "pause" | "resume" | "stop";
type Campaign = Schemas["CampaignOut"];

const OFFERED: Record<CampaignState, readonly CampaignAction[]> = {
  draft: ["stop"],
  checked: ["start", "stop"],
  running: ["pause", "stop"],
  paused: ["resume", "stop"],
  draining: [],
  finished: [],
};

export function actionsIn(state: CampaignState): readonly CampaignAction[] {
  return OFFERED[state];
}

export function act(action: CampaignAction, campaignId: number): Promise<Campaign> {
  const params = { params: { path: { campaign_id: campaignId } } };
  switch (action) {
    case "start":
      return ask(api.POST("/v1/campaigns/{campaign_id}/start", params));
    case "pause":
      return ask(api.POST("/v1/campaigns/{campaign_id}/pause", params));
    case "resume":
      return ask(api.POST("/v1/campaigns/{campaign_id}/resume", params));
    case "stop":
      return ask(api.POST("/v1/campaigns/{campaign_id}/stop", params));
  }
}

/** How a state is coloured. */
export function toneOf(state: CampaignState): "success" | "warning" | "info" | "primary" {
  if (state === "running") return "success";
  if (state === "paused" || state === "draining") return "warning";
  return state === "checked" ? "primary" : "info";
}
