#include "written_log.h"

#include <algorithm>

#include "format/checksum.h"
#include "format/frame.h"
#include "format/layout.h"

namespace daybook::bench {

void write_log(const Scratch& scratch, const Workload& workload, std::uint64_t events) {
  Store store = must(Store::open(scratch.store(), {.durability = Durability::memory}));
  Appends append(workload, 0, 1);
  for (std::uint64_t done = 0; done < events;) done += append(store);
  must(store.close());
}

MappedLog::MappedLog(const Scratch& scratch) {
  const auto store = must(io::open_directory(scratch.store().string(), false));
  const auto segments = must(store->subdirectory(format::kSegmentsName, false));
  auto names = must(segments->list());
  std::ranges::sort(names);
  for (const auto& name : names) {
    if (!format::parse_segment_name(name)) continue;
    const auto file = must(segments->open(name, io::Directory::OpenMode::read));
    segments_.push_back(must(file->map(io::Access::read, must(file->size()))));
  }
}

template <typename Visit>
void MappedLog::each_frame(Visit visit) const {
  for (const auto& segment : segments_) {
    const auto bytes = segment->bytes();
    const std::uint64_t end = format::data_end(bytes.size());
    for (std::uint64_t at = format::kDataStart; at < end;) {
      const format::Word word = format::load_word(bytes.data() + at);
      if (word.bits == 0) break;
      if (word.has_events()) visit(bytes.data() + at, word);
      at += word.size();
    }
  }
}

MappedLog::Scan MappedLog::scan() const noexcept {
  Scan scan;
  each_frame([&](const std::byte* frame, format::Word word) {
    scan.crc ^= format::crc32c(format::kCrcInit, frame, word.size());
    scan.bytes += word.size();
    ++scan.frames;
  });
  return scan;
}

std::vector<const std::byte*> MappedLog::frames() const {
  std::vector<const std::byte*> frames;
  each_frame([&](const std::byte* frame, format::Word word) {
    if (word.state() == format::FrameState::published && word.event_count() > 0) frames.push_back(frame);
  });
  return frames;
}

}  // namespace daybook::bench
