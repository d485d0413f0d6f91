// Any bytes as the last segment of a log: whatever they say, the header, the scanner, the verifier, cursors and recovery
// stay inside them, and agree on what is in them.
//
// The first byte of an input says what is made right before it is looked at, so that inputs get past the checksums:
//   1 the header and its copy   2 the frames, one behind the other   4 the footer   8 the base
// The next two bytes (little endian) say how much of the segment the rest of the input fills, from the start of the
// frames; what the header page and the footer page get comes first.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include <daybook/store.h>

#include "format/checksum.h"
#include "format/frame.h"
#include "format/layout.h"
#include "log/recovery.h"
#include "segment/segment_verifier.h"
#include "store/store_access.h"
#include "sweep/memory_directory.h"

namespace {

using namespace daybook;  // NOLINT(google-build-using-namespace): one file, no header

constexpr std::size_t kPartSize = 96;  // of the header, and of the footer

struct Repair {
  bool header = false;
  bool frames = false;
  bool footer = false;
  bool base = false;
};

// The checksum of a frame's content, from its definition in docs/format.md.
std::uint32_t content_crc(const std::byte* frame, format::Word word, std::uint64_t offset, std::uint64_t salt) {
  const std::uint64_t start = format::content_offset(word.stream_count());
  const std::array<std::uint64_t, 2> head{salt + offset * 0x9e3779b97f4a7c15u,
                                          word.with(format::FrameState::empty).bits};
  return format::crc32c(format::crc32c(format::kCrcInit, head.data(), sizeof(head)), frame + start,
                        word.size() - start);
}

void repair_frames(std::span<std::byte> file, std::uint64_t salt) {
  const std::uint64_t end = format::data_end(file.size());
  for (std::uint64_t at = format::kDataStart; at + format::kFrameSizeMin <= end;) {
    auto& frame = format::frame_at(file.data(), at);
    const format::Word word{frame.word};
    if (word.size() == 0 || word.size() > end - at) return;
    if (word.kind() == format::FrameKind::pad) {
      frame.word = format::Word::pad(word.size(), at, salt).bits;
    } else if (word.size() > format::content_offset(word.stream_count())) {
      frame.content_crc = content_crc(file.data() + at, word, at, salt);
      frame.decision_crc = format::decision_crc({word, frame.position, frame.recorded_at, frame.content_crc}, at, salt,
                                                [&](std::uint32_t i) { return format::assigned_at(frame, i); });
    }
    at += word.size();
  }
}

std::vector<std::byte> make_file(std::span<const std::uint8_t> input) {
  Repair repair;
  std::size_t fill = 0;
  if (input.size() >= 3) {
    repair = {(input[0] & 1) != 0, (input[0] & 2) != 0, (input[0] & 4) != 0, (input[0] & 8) != 0};
    fill = input[1] + std::size_t{256} * input[2];
    input = input.subspan(3);
  }
  std::vector<std::byte> file(format::kSegmentSizeMin);
  const auto put = [&](std::uint64_t offset, std::size_t size) {
    size = std::min({size, input.size(), static_cast<std::size_t>(file.size() - offset)});
    if (size > 0) std::memcpy(file.data() + offset, input.data(), size);
    input = input.subspan(size);
  };
  put(0, kPartSize);
  put(format::data_end(file.size()), kPartSize);
  put(format::kDataStart, std::min<std::size_t>(fill, format::data_end(file.size()) - format::kDataStart));
  put(format::kBaseOffset, sizeof(format::SegmentBase));

  auto& header = *reinterpret_cast<format::SegmentHeader*>(file.data());
  if (repair.header) {
    header.magic = format::kSegmentMagic;
    header.format_version = format::kFormatVersion;
    header.incompatible = 0;
    header.number = 1;
    header.size = file.size();
    header.crc = format::header_crc(header);
  }
  std::memcpy(file.data() + format::kHeaderCopy, &header, sizeof(header));
  const std::uint64_t salt = format::segment_salt(header);
  if (repair.frames) repair_frames(file, salt);
  if (repair.footer) {
    auto& footer = *reinterpret_cast<format::SegmentFooter*>(file.data() + format::data_end(file.size()));
    footer.magic = format::kFooterMagic;
    footer.kind = 1 + footer.kind % 2;
    footer.crc = format::footer_crc(footer, salt);
  }
  if (repair.base) {
    auto& base = *reinterpret_cast<format::SegmentBase*>(file.data() + format::kBaseOffset);
    base.check = format::base_check(base.position, salt);
  }
  return file;
}

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz_segment: %s\n", what);
  std::abort();
}

// Touches every byte of an event.
std::uint64_t sum(const EventView& event) {
  std::uint64_t sum = event.position + event.version + event.schema_version;
  const auto add = [&](std::string_view bytes) {
    for (const char c : bytes) sum += static_cast<unsigned char>(c);
  };
  add(event.stream);
  add(event.type);
  add(event.payload.text());
  add(event.metadata.text());
  for (const std::string_view tag : event.tags) add(tag);
  if (event.id != nullptr) {
    for (const std::uint8_t byte : *event.id) sum += byte;
  }
  return sum;
}

std::uint64_t read_all(test::MemoryStore& store, const ReadOptions& options) {
  auto opened = StoreAccess::open(store.open(), {.mode = Mode::read_only});
  if (!opened) return 0;
  volatile std::uint64_t total = 0;
  std::uint64_t events = 0;
  Cursor cursor = opened->read(options);
  while (const EventView* const event = cursor.next()) {
    total = total + sum(*event);
    ++events;
  }
  return events;
}

// The short ways to check a frame take exactly what the long one finds decided, wherever one looks.
void require_agreement(const segment::Segment& segment) {
  for (std::uint64_t at = format::kDataStart; at < segment.data_end(); at += format::kAlign) {
    if (format::load_word(segment.data().data() + at).bits == 0) continue;
    for (const format::Check how : {format::Check::structure, format::Check::checksums}) {
      const format::FrameStatus status = segment.check(at, how);
      const bool usual = status.kind == format::FrameStatus::Kind::decided && status.word.has_events();
      require(segment.accept(at, how) == (usual ? status.word : format::Word{}), "accept() and check() do not agree");
      EventView event;
      const bool single = usual && status.word.is_single() && status.word.state() == format::FrameState::published;
      const std::size_t read = segment.read_singles({&at, 1}, how, {}, {&event, 1});
      require(read == (single ? 1 : 0), "read_singles() and check() do not agree");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::MemoryStore store;
  store.segments[format::segment_name(1)] = make_file(std::span(data, size));
  const auto segments = store.open()->subdirectory(format::kSegmentsName, false);

  (void)segment::verify_segment(**segments, 1, std::nullopt);
  (void)read_all(store, {.verify = false});
  (void)read_all(store, {.direction = Direction::backward, .verify = true});
  (void)read_all(store, {.verify = true});

  std::uint64_t whole = 0;
  bool hint_holds = true;  // a hint may lie with a valid check, and readers trust it
  if (const auto segment = segment::Segment::open(**segments, 1)) {
    const auto footer = (*segment)->footer();
    const Position base = footer && footer->kind == format::SegmentFooter::sealed ? footer->base_position : 0;
    hint_holds = (*segment)->base().value_or(base) == base;
    require_agreement(**segment);
    whole = segment::verify_segment(**segment, base).prefix.events;
  }
  std::uint64_t visited = 0;
  const auto recovered = log::recover(
      **segments, [](const Uuid&) { return std::nullopt; },
      [&](const format::FrameHeader&, format::Word word) { visited += word.event_count(); });
  if (!recovered) return 0;
  require(visited <= whole, "recovery shows more than is whole");
  // What recovery takes stays, and is found again.
  std::uint64_t again = 0;
  const auto twice = log::recover(
      **segments, [](const Uuid&) { return std::nullopt; },
      [&](const format::FrameHeader&, format::Word word) { again += word.event_count(); });
  require(twice && again == visited && twice->position == recovered->position, "recovery twice is not recovery once");
  require(!hint_holds || read_all(store, {.verify = true}) == visited, "a cursor does not show what recovery found");
  return 0;
}
