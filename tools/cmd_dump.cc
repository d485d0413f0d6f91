// daybook dump [STORE | FILE]
//
// The bytes of a store's segments, decoded. Works on what is damaged, and on a single segment file.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <vector>

#include <fmt/format.h>

#include "arguments.h"
#include "commands.h"
#include "escape.h"
#include "format/layout.h"
#include "report.h"
#include "segment_dump.h"
#include "store_files.h"

namespace daybook::tools {
namespace {

struct Dump {
  std::string store;
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  std::uint64_t count = 0;
  bool events = false;
  bool hex = false;

  void declare(Arguments& arguments) {
    arguments.store(store);
    arguments.number("--segment", segment, "only this one");
    arguments.number("--offset", offset, "begin at this byte of it (a multiple of 8)");
    arguments.number("-n,--count", count, "stop after N frames");
    arguments.flag("-e,--events", events, "streams and events of each frame");
    arguments.flag("-x,--hex", hex, "and the bytes of each frame");
  }

  int run(Io& io) {
    if (offset % format::kAlign != 0) return report_usage(io, "dump", "--offset must be a multiple of 8");
    std::error_code error;
    if (std::filesystem::is_regular_file(store, error)) return dump_file(store, io);
    auto files = StoreFiles::open(store);
    if (!files) return report(io, "dump", files.error());
    if (segment != 0 && std::ranges::find(files->numbers, segment) == files->numbers.end()) {
      return report(io, "dump", {.code = Errc::not_found, .what = "segment", .segment = segment});
    }
    int status = kOk;
    for (const std::uint64_t number : files->numbers) {
      if (segment != 0 && number != segment) continue;
      const auto path = std::filesystem::path(store) / format::kSegmentsName / format::segment_name(number);
      status = dump_file(path, io);
      if (status != kOk || !io.out.good() || io.stop() || (count != 0 && printed_ >= count)) break;
    }
    return io.stop() ? kInterrupted : status;
  }

 private:
  int dump_file(const std::filesystem::path& path, Io& io) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    std::vector<std::byte> bytes(error ? 0 : size);
    std::ifstream in(path, std::ios::binary);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (error || !in) return report_failure(io, "dump", "cannot read " + path.string());

    io.out << fmt::format("segment file {}, {} bytes\n", escaped(path.string()), bytes.size());
    const std::uint64_t number = format::parse_segment_name(path.filename().string()).value_or(0);
    SegmentDump dump(bytes, number,
                     {.offset = offset,
                      .frames_max = count == 0 ? ~std::uint64_t{0} : count - printed_,
                      .events = events,
                      .hex = hex},
                     io.out);
    printed_ += dump.run();
    return kOk;
  }

  std::uint64_t printed_ = 0;
};

}  // namespace

constinit const Command kDump{"dump", "print the bytes of a store, decoded", "", declare_command<Dump>};

}  // namespace daybook::tools
