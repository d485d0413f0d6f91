// Files of format 1 that every later version must read as they are: v1/<name>.seg is a segment, v1/<name>.txt is what
// reading and recovery say of it. They never change; SHA256SUMS pins them.
//
//   DAYBOOK_WRITE_GOLDEN=1 writes what is missing, for a new file or a new version.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <daybook/store.h>

#include "format/layout.h"
#include "golden/golden_files.h"
#include "log/recovery.h"
#include "segment/segment_verifier.h"
#include "store/store_access.h"
#include "sweep/memory_directory.h"

namespace daybook::test {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(DAYBOOK_SOURCE_DIR) / "tests" / "golden" / "v1";

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_if_missing(const fs::path& path, const std::string& text) {
  if (std::getenv("DAYBOOK_WRITE_GOLDEN") == nullptr || fs::exists(path)) return;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string as_text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string escape(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte < 0x7f && c != '\\') {
      text += c;
    } else {
      char hex[8];
      std::snprintf(hex, sizeof(hex), "\\x%02x", byte);
      text += hex;
    }
  }
  return text;
}

std::string line_of(const EventView& event) {
  std::ostringstream line;
  line << event.position << ' ' << escape(event.stream) << '@' << event.version << ' ' << escape(event.type)
       << " schema " << event.schema_version << " payload '" << escape(event.payload.text()) << "' metadata '"
       << escape(event.metadata.text()) << "' tags";
  for (const std::string_view tag : event.tags) line << " '" << escape(tag) << "'";
  if (event.id != nullptr) {
    line << " id " << escape({reinterpret_cast<const char*>(event.id->data()), event.id->size()});
  }
  line << " recorded " << event.recorded_at.time_since_epoch().count();
  if (event.has_occurred_at) line << " occurred " << event.occurred_at.time_since_epoch().count();
  line << '\n';
  return line.str();
}

// What everybody who looks at the segment says of it.
std::string describe_segment(const std::string& bytes) {
  MemoryStore store;
  MemoryFile& file = store.segments[format::segment_name(1)];
  for (const char c : bytes) file.push_back(static_cast<std::byte>(c));
  std::string text;
  {
    auto opened = StoreAccess::open(store.open(), {.mode = Mode::read_only});
    if (!opened) return "read: " + describe(opened.error()) + '\n';
    Cursor cursor = opened->read();
    while (const EventView* const event = cursor.next()) text += line_of(*event);
    text += "read: " + (cursor.error() ? describe(*cursor.error()) : "to the end") + '\n';
  }
  auto segments = store.open()->subdirectory(format::kSegmentsName, false);
  const auto verified = segment::verify_segment(**segments, 1, std::nullopt);
  if (!verified) return text + "verify: " + describe(verified.error()) + '\n';
  text += "verify: " + std::to_string(verified->findings.size()) + " findings, tail of " +
          std::to_string(verified->tail.bytes) + " bytes\n";
  const auto recovered = log::recover(
      **segments, [](const Uuid&) { return std::nullopt; }, [](const format::FrameHeader&, format::Word) {});
  if (!recovered) return text + "recover: " + describe(recovered.error()) + '\n';
  const RecoveryReport& report = recovered->report;
  text += "recover: position " + std::to_string(recovered->position) + ", next segment " +
          std::to_string(recovered->next_number) + ", epoch " + std::to_string(recovered->epoch);
  if (recovered->go_on) text += ", goes on at " + std::to_string(recovered->go_on->end);
  if (report.unclean) {
    text += ", cut at " + std::to_string(report.offset) + ": " + std::to_string(report.bytes_cut) + " bytes, " +
            std::to_string(report.frames_cut) + " frames";
  }
  return text + '\n';
}

TEST(GoldenTest, TheFilesOfVersion1AreReadAsEver) {
  std::size_t files = 0;
  for (const GoldenFile& golden : make_golden_files())
    write_if_missing(kFolder / (golden.name + ".seg"), as_text(golden.bytes));
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".seg") continue;
    ++files;
    const std::string text = describe_segment(read_file(entry.path()));
    fs::path expected = entry.path();
    expected.replace_extension(".txt");
    write_if_missing(expected, text);
    EXPECT_EQ(text, read_file(expected)) << entry.path();
  }
  EXPECT_GE(files, 4u);
}

// The bytes that today's code writes for the same events are the same: the format has not moved by accident.
TEST(GoldenTest, TheyWouldBeWrittenAgainAsTheyAre) {
  for (const GoldenFile& golden : make_golden_files()) {
    EXPECT_TRUE(as_text(golden.bytes) == read_file(kFolder / (golden.name + ".seg"))) << golden.name;
  }
}

}  // namespace
}  // namespace daybook::test
