#include "log/checkpointer.h"

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "format/layout.h"
#include "log/checkpoint_file.h"
#include "log/event_fetcher.h"
#include "log/part.h"
#include "log/sealed_segment.h"

namespace daybook::log {
namespace {

// So that one run does not hold the keys of a whole old log in memory: about 60 bytes for each key of a segment.
constexpr std::size_t kSegmentsAtOnce = 16;

}  // namespace

Checkpointer::Checkpointer(std::shared_ptr<SegmentSet> segments, std::unique_ptr<io::Directory> checkpoints,
                           Period period)
    : segments_(std::move(segments)), checkpoints_(std::move(checkpoints)), period_(period) {}

bool Checkpointer::due(std::size_t added) const {
  if (added == 0) return false;
  const auto numbers = segments_->numbers();
  if (!numbers || numbers->empty()) return false;
  const auto first = segments_->get(numbers->front());
  if (!first) return false;
  const bool full = added * (*first)->segment->header().size >= period_.bytes;
  return full || std::chrono::steady_clock::now() - last_ >= period_.time;
}

Result<std::uint64_t> Checkpointer::run(const std::function<bool()>& stopping) {
  if (checkpoints_ == nullptr || period_.bytes == 0) return 0;
  const auto numbers = segments_->numbers();
  if (!numbers) return fail(numbers.error());
  if (!due(numbers->size())) return 0;  // not if none were covered: no file need be opened to know that
  auto before = CheckpointFile::open_newest(*checkpoints_, segments_->log());
  if (before != nullptr && !index::covers_first_of(before->checkpoint().segments(), *numbers)) before = nullptr;
  std::vector<index::CheckpointSegment> table;
  if (before != nullptr) table.assign(before->checkpoint().segments().begin(), before->checkpoint().segments().end());
  const std::size_t covered = table.size();
  const auto candidates =
      std::span(*numbers).subspan(covered).first(std::min(numbers->size() - covered, kSegmentsAtOnce));
  const auto without =
      std::ranges::find_if_not(candidates, [this](std::uint64_t number) { return is_indexed(number); });
  if (!due(static_cast<std::size_t>(without - candidates.begin()))) return 0;

  std::vector<Key> keys;
  std::uint64_t in_the_way = 0;
  for (auto number = candidates.begin(); number != without; ++number) {
    if (stopping()) return 0;
    const auto added = add(*number, table, keys);
    if (!added) return fail(added.error());
    if (!*added) {
      in_the_way = *number;
      break;
    }
  }
  if (!due(table.size() - covered)) return in_the_way;
  const auto bytes = encode(segments_->log(), table, before == nullptr ? nullptr : &before->checkpoint(), keys);
  if (!bytes) return fail(bytes.error());
  last_ = std::chrono::steady_clock::now();
  DAYBOOK_TRY(write_checkpoint(*checkpoints_, table.back().base_position + table.back().events, *bytes));
  return in_the_way;
}

bool Checkpointer::is_indexed(std::uint64_t number) const {
  const auto opened = segments_->get(number);
  if (!opened) return false;
  return describe_sealed(*(*opened)->segment) &&
         segments_->directory().open(format::sidecar_name(number), io::Directory::OpenMode::read);
}

Result<bool> Checkpointer::add(std::uint64_t number, std::vector<index::CheckpointSegment>& table,
                               std::vector<Key>& keys) const {
  const auto opened = segments_->get(number);
  if (!opened) return fail(opened.error());
  const segment::Segment& segment = *(*opened)->segment;
  auto sealed = describe_sealed(segment);
  if (!sealed) return false;
  const auto file = SidecarFile::open(segments_->directory(), segment);
  if (file == nullptr || file->sidecar().identity().valid_end != sealed->valid_end) return false;
  const index::Sidecar& sidecar = file->sidecar();
  const auto ordinal = static_cast<std::uint32_t>(table.size());
  EventFetcher events(segment, sidecar, EventFetcher::kTrusting);
  std::optional<Error> error;
  // Ids are not in it: each is in one segment alone, and only the newest are asked for.
  for (const auto kind : {index::KeyKind::stream, index::KeyKind::type, index::KeyKind::tag}) {
    sidecar.each_key(kind, events, [&](std::string_view key, std::uint64_t, std::uint32_t, std::uint32_t last) {
      Key made{.kind = kind, .segment = ordinal, .hash = index::key_hash({kind, key})};
      if (kind == index::KeyKind::stream) {
        EventView event;
        if (const auto fetched = events.fetch(last, event); !fetched) error = fetched.error();
        made.version = event.version;
        made.last_position = event.position;
      }
      keys.push_back(made);
    });
  }
  if (events.error()) error = events.error();
  if (error) return fail(*error);
  if (sidecar.events() > 0) {
    sealed->occurred_first = sidecar.occurred().first;
    sealed->occurred_last = sidecar.occurred().last;
  }
  table.push_back(*sealed);
  return true;
}

Result<std::vector<std::byte>> Checkpointer::encode(const Uuid& log, const std::vector<index::CheckpointSegment>& table,
                                                    const index::Checkpoint* before, std::vector<Key>& keys) {
  std::ranges::sort(keys, {}, [](const Key& key) { return std::tuple(key.kind, key.hash, key.segment); });
  std::size_t at = 0;
  index::CheckpointKey next;
  return index::encode_checkpoint(log, table, before, [&]() -> const index::CheckpointKey* {
    if (at == keys.size()) return nullptr;
    const Key& key = keys[at++];
    next = {.kind = key.kind,
            .hash = key.hash,
            .version = key.version,
            .last_position = key.last_position,
            .segments = {key.segment}};
    return &next;
  });
}

}  // namespace daybook::log
