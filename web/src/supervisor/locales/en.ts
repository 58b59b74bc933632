import board from "./en/board";
import campaigns from "./en/campaigns";
import house from "./en/house";

export default { ...board, ...campaigns, ...house };
