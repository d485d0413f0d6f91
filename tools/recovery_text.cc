#include "recovery_text.h"

#include <fmt/format.h>

#include "quantity.h"

namespace daybook::tools {

std::string describe_recovery(const RecoveryReport& report) {
  if (!report.unclean) return "closed cleanly";
  std::string text = "the last writer did not close the store: ";
  if (report.bytes_cut == 0) return text + "nothing was torn, nothing is lost";
  text += fmt::format("log cut at segment {} offset {}: {} bytes of unfinished appends", report.segment, report.offset,
                      format_count(report.bytes_cut));
  if (report.frames_cut != 0) text += fmt::format(", {} frames complete but not in order", report.frames_cut);
  return text;
}

void put_recovery(JsonWriter& json, const RecoveryReport& report) {
  put_key(json, "recovery");
  json.StartObject();
  put_bool(json, "unclean", report.unclean);
  put_number(json, "segment", report.segment);
  put_number(json, "offset", report.offset);
  put_number(json, "bytes_cut", report.bytes_cut);
  put_number(json, "frames_cut", report.frames_cut);
  json.EndObject();
}

}  // namespace daybook::tools
