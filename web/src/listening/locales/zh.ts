export default {
  monitor: "监听",
  whisper: "耳语",
  barge: "强插",
  stop: "停止监听",
  means: {
    monitor: "您能听到双方，双方听不到您。",
    whisper: "催收员能听到您，被叫听不到。",
    barge: "双方都能听到您，录音中也有。",
  },
  with: "您正在监听 {name}",
  way: "监听方式",
};
