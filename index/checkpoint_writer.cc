#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "index/checkpoint.h"

namespace daybook::index {
namespace {

using Bytes = std::vector<std::byte>;

void put(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

void put_list(Bytes& out, std::span<const std::uint32_t> segments) {
  put(out, std::uint64_t{segments.size() - 1} << 1);
  put(out, segments.front());
  for (std::size_t i = 1; i < segments.size(); ++i) put(out, segments[i] - segments[i - 1] - 1);
}

void put_bitmap(Bytes& out, std::span<const std::uint32_t> segments, unsigned shift) {
  const std::size_t size = (segments.back() >> shift) / 8 + 1;
  put(out, std::uint64_t{shift} << 1 | 1);
  put(out, size);
  const std::size_t at = out.size();
  out.resize(at + size);
  for (const std::uint32_t segment : segments) {
    const std::uint32_t bit = segment >> shift;
    out[at + bit / 8] |= std::byte{1} << (bit % 8);
  }
}

void put_set(Bytes& out, std::span<const std::uint32_t> segments) {
  const std::size_t bitmap_size = segments.back() / 8 + 1;
  if (segments.size() <= bitmap_size) {
    const std::size_t at = out.size();
    put_list(out, segments);
    if (out.size() - at <= std::min(kCheckpointSetMax, bitmap_size + 2)) return;
    out.resize(at);
  }
  unsigned shift = 0;
  while ((segments.back() >> shift) / 8 + 1 > kCheckpointSetMax) ++shift;
  put_bitmap(out, segments, shift);
}

bool precedes(const CheckpointKey& one, const CheckpointKey& other) noexcept {
  return std::pair(one.kind, one.hash) < std::pair(other.kind, other.hash);
}

// Two entries of a kind and hash.
void merge(CheckpointKey& into, const CheckpointKey& from) {
  if (from.last_position > into.last_position) {
    into.last_position = from.last_position;
    into.version = from.version;
  }
  std::vector<std::uint32_t> both;
  both.reserve(into.segments.size() + from.segments.size());
  std::ranges::set_union(into.segments, from.segments, std::back_inserter(both));
  into.segments = std::move(both);
}

class Writer {
 public:
  Writer(const Uuid& log, std::span<const CheckpointSegment> segments) : segments_(segments) {
    header_.magic = kCheckpointMagic;
    header_.format_version = kCheckpointVersion;
    header_.log = log;
    header_.segments = segments.size();
    if (!segments.empty()) {
      const CheckpointSegment& last = segments.back();
      header_.epoch = last.epoch;
      header_.position = last.base_position + last.events;
      header_.segment = last.number;
      header_.offset = last.valid_end;
    }
    out_.resize(kCheckpointBlock);
  }

  // Keys that ascend.
  void add(const CheckpointKey& key) {
    CheckpointKeys& kind = header_.kinds[static_cast<std::size_t>(key.kind)];
    if (count_ > 0 && (key.kind != kind_ || !encode(key))) finish_page();
    if (count_ == 0) {
      kind_ = key.kind;
      last_ = key.hash;
      first_hashes_.push_back(key.hash);
      ++kind.pages;
      encode(key);  // a page has room for any one
    }
    ++count_;
    ++kind.keys;
    last_ = key.hash;
    page_.insert(page_.end(), entry_.begin(), entry_.end());
  }

  Bytes finish() {
    if (count_ > 0) finish_page();
    const std::size_t tables = out_.size();
    append(std::as_bytes(segments_));
    append(std::as_bytes(std::span(first_hashes_)));
    header_.size = out_.size();
    seal_checkpoint_tables(header_, out_.data() + tables, out_.size() - tables);
    header_.check = checkpoint_header_check(header_);
    std::memcpy(out_.data(), &header_, sizeof(header_));
    return std::move(out_);
  }

 private:
  // False: no room for it in this page.
  bool encode(const CheckpointKey& key) {
    entry_.clear();
    put(entry_, key.hash - last_);
    if (key.kind == KeyKind::stream) {
      put(entry_, key.version);
      put(entry_, key.last_position);
    }
    put_set(entry_, key.segments);
    return page_.size() + entry_.size() <= kCheckpointPageRoom;
  }

  void finish_page() {
    const std::uint64_t number = out_.size() / kCheckpointBlock - 1;
    const std::size_t at = out_.size();
    out_.resize(at + kCheckpointBlock);
    CheckpointPage page{};
    page.count = static_cast<std::uint16_t>(count_);
    page.size = static_cast<std::uint16_t>(page_.size());
    std::memcpy(out_.data() + at, &page, sizeof(page));
    std::ranges::copy(page_, out_.begin() + static_cast<std::ptrdiff_t>(at + sizeof(page)));
    page.check = checkpoint_page_check(header_, number, out_.data() + at);
    std::memcpy(out_.data() + at, &page.check, sizeof(page.check));
    page_.clear();
    count_ = 0;
  }

  void append(std::span<const std::byte> bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

  const std::span<const CheckpointSegment> segments_;
  CheckpointHeader header_{};
  Bytes out_;
  std::vector<std::uint64_t> first_hashes_;
  Bytes page_;   // entries
  Bytes entry_;  // that encode() made last
  KeyKind kind_{};
  std::uint32_t count_ = 0;  // entries of the page
  std::uint64_t last_ = 0;   // hash
};

std::unexpected<Error> misuse(const char* what) { return fail({.code = Errc::invalid_argument, .what = what}); }

// The next keys of both sources, smallest first, merged.
class Merge {
 public:
  Merge(const Checkpoint* before, const NextCheckpointKey& added, std::uint64_t segments)
      : added_(added), segments_(segments) {
    if (before != nullptr) walk_.emplace(*before);
  }

  Result<> start() {
    DAYBOOK_TRY(step_old());
    return step_new();
  }

  // False: there are no more.
  Result<bool> next(CheckpointKey& key) {
    if (old_ == nullptr && new_ == nullptr) return false;
    if (new_ == nullptr || (old_ != nullptr && !precedes(*new_, *old_))) {
      key = *old_;
      DAYBOOK_TRY(step_old());
    } else {
      key = *new_;
      DAYBOOK_TRY(step_new());
    }
    while (new_ != nullptr && !precedes(key, *new_)) {
      merge(key, *new_);
      DAYBOOK_TRY(step_new());
    }
    return true;
  }

 private:
  Result<> step_old() {
    if (!walk_) return {};
    const auto key = walk_->next();
    if (!key) return fail(key.error());
    old_ = *key;
    return {};
  }

  Result<> step_new() {
    const bool had = new_ != nullptr;
    if (had) last_ = {new_->kind, new_->hash};
    new_ = added_();
    if (new_ == nullptr) return {};
    if (had && std::pair(new_->kind, new_->hash) < last_) return misuse("keys of a checkpoint ascend");
    if (static_cast<std::size_t>(new_->kind) >= kCheckpointKinds) return misuse("kind of a key");
    if (new_->segments.empty() || new_->segments.back() >= segments_ ||
        std::ranges::adjacent_find(new_->segments, std::greater_equal{}) != new_->segments.end()) {
      return misuse("segments of a key");
    }
    if (new_->kind == KeyKind::stream && (new_->version == 0 || new_->version > new_->last_position)) {
      return misuse("head of a stream");
    }
    return {};
  }

  std::optional<Checkpoint::Walk> walk_;
  const NextCheckpointKey& added_;
  const std::uint64_t segments_;
  const CheckpointKey* old_ = nullptr;
  const CheckpointKey* new_ = nullptr;
  std::pair<KeyKind, std::uint64_t> last_{};
};

}  // namespace

Result<std::vector<std::byte>> encode_checkpoint(const Uuid& log, std::span<const CheckpointSegment> segments,
                                                 const Checkpoint* before, const NextCheckpointKey& added) {
  if (before != nullptr) {
    const auto old = before->segments();
    if (before->header().log != log || old.size() > segments.size() ||
        !std::ranges::equal(old, segments.first(old.size()))) {
      return misuse("a checkpoint goes on from one of the same segments");
    }
  }
  Merge merge(before, added, segments.size());
  DAYBOOK_TRY(merge.start());
  Writer writer(log, segments);
  CheckpointKey key;
  for (;;) {
    const auto more = merge.next(key);
    if (!more) return fail(more.error());
    if (!*more) return writer.finish();
    writer.add(key);
  }
}

std::uint64_t checkpoint_header_check(const CheckpointHeader& header) noexcept {
  return XXH3_64bits(&header, offsetof(CheckpointHeader, check));
}

std::uint64_t checkpoint_page_check(const CheckpointHeader& header, std::uint64_t number,
                                    const std::byte* page) noexcept {
  // Log, epoch, and where the log is covered to: a page of an older checkpoint is none of this one.
  constexpr std::size_t kFrom = offsetof(CheckpointHeader, log);
  constexpr std::size_t kTo = offsetof(CheckpointHeader, size);
  const auto* const bytes = reinterpret_cast<const std::byte*>(&header);
  const std::uint64_t seed = XXH3_64bits_withSeed(bytes + kFrom, kTo - kFrom, number);
  return XXH3_64bits_withSeed(page + sizeof(CheckpointPage::check), kCheckpointBlock - sizeof(CheckpointPage::check),
                              seed);
}

void seal_checkpoint_tables(CheckpointHeader& header, const std::byte* tables, std::size_t size) noexcept {
  const XXH128_hash_t hash = XXH3_128bits(tables, size);
  header.tables_low = hash.low64;
  header.tables_high = hash.high64;
}

}  // namespace daybook::index
