import board from "./zh/board";
import campaigns from "./zh/campaigns";
import house from "./zh/house";

export default { ...board, ...campaigns, ...house };
