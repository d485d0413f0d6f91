// A segment file as text, field by field, under the names of docs/format.md. Believes nothing that it reads, and goes on
// behind whatever is damaged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>

#include "format/frame.h"
#include "format/layout.h"

namespace daybook::tools {

struct DumpOptions {
  std::uint64_t offset = 0;  // where to begin; 0 = with the header
  std::uint64_t frames_max = ~std::uint64_t{0};
  bool events = false;  // print streams and events, too
  bool hex = false;     // and the bytes of each frame
};

// Prints to `out` until it takes no more. Thread safety: none.
class SegmentDump {
 public:
  // `bytes` is the whole file, `number` what its name says.
  SegmentDump(std::span<const std::byte> bytes, std::uint64_t number, const DumpOptions& options, std::ostream& out);

  // How many frames were printed.
  std::uint64_t run();

 private:
  void print_header(std::uint64_t offset);
  void print_base();
  void print_footer();
  void print_frames();
  // Prints what stands at `offset`; returns where to look next.
  std::uint64_t print_at(std::uint64_t offset);
  void print_frame(std::uint64_t offset, const format::FrameStatus& status);
  void print_refusal(const format::Refusal& refusal);
  void print_conditions(std::uint64_t offset, format::Word word);
  void print_damage(std::uint64_t offset, const format::FrameStatus& status);
  void print_streams(std::uint64_t offset, format::Word word);
  [[nodiscard]] std::uint64_t skip_zeros(std::uint64_t offset) const;
  // Where the next whole frame or pad begins, behind damage at `offset`.
  [[nodiscard]] std::uint64_t find_frame(std::uint64_t offset) const;
  void write();

  const std::span<const std::byte> bytes_;
  const std::uint64_t number_;
  const DumpOptions options_;
  std::ostream& out_;
  format::SegmentHeader header_{};  // the copy that is whole, or else the first
  std::uint64_t salt_ = 0;
  std::span<const std::byte> data_;  // up to the footer
  std::uint64_t frames_ = 0;
  std::string text_;
};

}  // namespace daybook::tools
