#include "index/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "index/broken.h"

namespace daybook::index {
namespace {

// Each begins where the one before ended, and none says more of itself than a segment can hold.
Result<> check_segments(const CheckpointHeader& header, std::span<const CheckpointSegment> segments,
                        std::uint64_t offset) {
  const CheckpointSegment* before = nullptr;
  for (const CheckpointSegment& at : segments) {
    const bool follows = before == nullptr || (at.number == before->number + 1 && at.epoch >= before->epoch &&
                                               at.base_position == before->base_position + before->events);
    if (!follows) return broken("checkpoint segment does not follow", offset, before->number + 1, at.number);
    if (at.events > kCheckpointEventsMax || at.base_position > std::numeric_limits<std::uint64_t>::max() / 2) {
      return broken("checkpoint segment events", offset, kCheckpointEventsMax, at.events);
    }
    if (at.valid_end % 8 != 0 || at.valid_end > std::numeric_limits<std::uint32_t>::max()) {
      return broken("checkpoint segment end", offset, 0, at.valid_end);
    }
    if (at.recorded_first > at.recorded_last || at.occurred_first > at.occurred_last) {
      return broken("checkpoint segment times", offset);
    }
    before = &at;
    offset += sizeof(at);
  }
  const CheckpointSegment last = before == nullptr ? CheckpointSegment{} : *before;
  if (header.position != last.base_position + last.events || header.segment != last.number ||
      header.offset != last.valid_end || header.epoch != last.epoch) {
    return broken("checkpoint covers something else than its segments", offsetof(CheckpointHeader, position),
                  last.base_position + last.events, header.position);
  }
  return {};
}

template <typename T>
std::span<const T> view(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

}  // namespace

// Steps through the entries of a page that may hold anything.
class Checkpoint::PageReader {
 public:
  PageReader(const Checkpoint& checkpoint, std::uint64_t page)
      : checkpoint_(checkpoint),
        page_(page),
        kind_(checkpoint.kind_of(page)),
        bytes_(checkpoint.bytes_.subspan(kCheckpointBlock * (1 + page), kCheckpointBlock)),
        hash_(checkpoint.first_hashes_[page]),
        last_hash_(checkpoint.last_hash(page)) {}

  Result<> open() {
    CheckpointPage page;
    std::memcpy(&page, bytes_.data(), sizeof(page));
    const std::uint64_t check = checkpoint_page_check(checkpoint_.header_, page_, bytes_.data());
    if (page.check != check) return flaw("checkpoint page checksum", check, page.check);
    if (page.count == 0 || page.zero != 0) return flaw("checkpoint page header", 1, page.count);
    if (page.size > kCheckpointPageRoom) return flaw("checkpoint page size", kCheckpointPageRoom, page.size);
    left_ = page.count;
    const auto rest = bytes_.subspan(sizeof(page) + page.size);
    if (!std::ranges::all_of(rest, [](std::byte byte) { return byte == std::byte{}; })) {
      return flaw("checkpoint page is not zero behind its entries");
    }
    bytes_ = bytes_.subspan(sizeof(page), page.size);
    return {};
  }

  [[nodiscard]] bool at_end() const noexcept { return left_ == 0; }
  // Of the entry that was read last.
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

  // Reads an entry; its content goes to `key` when that is given, and when its hash is `only`, if that is.
  Result<> next(CheckpointKey* key, const std::uint64_t* only = nullptr) {
    const char* const what = read_entry(key, only);
    if (what != nullptr) return flaw(what);
    if (--left_ == 0 && at_ != bytes_.size()) return flaw("checkpoint page ends early", at_, bytes_.size());
    return {};
  }

 private:
  [[nodiscard]] std::unexpected<Error> flaw(const char* what, std::uint64_t expected = 0,
                                            std::uint64_t actual = 0) const {
    return broken(what, kCheckpointBlock * (1 + page_), expected, actual);
  }

  // Null, or what is wrong.
  const char* read_entry(CheckpointKey* key, const std::uint64_t* only) {
    std::uint64_t step = 0;
    if (!read(step) || (first_ ? step != 0 : step == 0 || step > last_hash_ - hash_)) return "checkpoint hash";
    first_ = false;
    hash_ += step;
    std::uint64_t version = 0;
    std::uint64_t position = 0;
    if (kind_ == KeyKind::stream) {
      if (!read(version) || !read(position)) return "checkpoint head";
      if (version == 0 || version > position || position > checkpoint_.header_.position) return "checkpoint head";
    }
    if (only != nullptr && *only != hash_) key = nullptr;
    if (key != nullptr) {
      *key = {.kind = kind_, .hash = hash_, .version = version, .last_position = position, .segments = {}};
    }
    return read_set(key == nullptr ? nullptr : &key->segments) ? nullptr : "checkpoint set of segments";
  }

  bool read(std::uint64_t& value) noexcept {
    if (at_ < bytes_.size() && bytes_[at_] < std::byte{0x80}) {
      value = static_cast<std::uint64_t>(bytes_[at_++]);
      return true;
    }
    return read_long(value);
  }

  bool read_long(std::uint64_t& value) noexcept {
    value = 0;
    for (unsigned shift = 0; at_ < bytes_.size(); shift += 7) {
      const auto byte = static_cast<std::uint64_t>(bytes_[at_++]);
      if (shift == 63 && byte > 1) return false;  // more than 64 bits
      if (byte == 0 && shift > 0) return false;   // not the shortest form
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return true;
      if (shift == 63) return false;
    }
    return false;
  }

  // Null: checks it only.
  bool read_set(std::vector<std::uint32_t>* out) {
    std::uint64_t tag = 0;
    if (!read(tag)) return false;
    return (tag & 1) == 0 ? read_list(tag >> 1, out) : read_bitmap(tag >> 1, out);
  }

  bool read_list(std::uint64_t more, std::vector<std::uint32_t>* out) {
    const std::uint64_t segments = checkpoint_.segments_.size();
    std::uint64_t ordinal = 0;
    if (!read(ordinal) || ordinal >= segments) return false;
    if (more > bytes_.size() - at_) return false;  // a byte each, at least
    if (out != nullptr) out->reserve(more + 1);
    if (out != nullptr) out->push_back(static_cast<std::uint32_t>(ordinal));
    for (; more > 0; --more) {
      std::uint64_t gap = 0;
      if (!read(gap) || gap >= segments - ordinal - 1) return false;
      ordinal += gap + 1;
      if (out != nullptr) out->push_back(static_cast<std::uint32_t>(ordinal));
    }
    return true;
  }

  bool read_bitmap(std::uint64_t shift, std::vector<std::uint32_t>* out) {
    const std::uint64_t segments = checkpoint_.segments_.size();
    std::uint64_t size = 0;
    if (shift > 31 || !read(size) || size == 0 || size > bytes_.size() - at_) return false;
    const auto bits = bytes_.subspan(at_, size);
    at_ += size;
    if (bits.back() == std::byte{}) return false;
    const std::uint64_t top =
        size * 8 - 1 - static_cast<unsigned>(std::countl_zero(std::to_integer<unsigned char>(bits.back())));
    if (top << shift >= segments) return false;
    if (out == nullptr) return true;
    for (std::uint64_t bit = 0; bit <= top; ++bit) {
      if ((bits[bit / 8] & std::byte{1} << (bit % 8)) == std::byte{}) continue;
      const std::uint64_t end = std::min((bit + 1) << shift, segments);
      for (std::uint64_t ordinal = bit << shift; ordinal < end; ++ordinal) {
        out->push_back(static_cast<std::uint32_t>(ordinal));
      }
    }
    return true;
  }

  const Checkpoint& checkpoint_;
  const std::uint64_t page_;
  const KeyKind kind_;
  std::span<const std::byte> bytes_;  // of the entries, once open
  std::size_t at_ = 0;
  std::uint32_t left_ = 0;
  std::uint64_t hash_;             // of the entry that was read last
  const std::uint64_t last_hash_;  // the largest that a key of this page can have
  bool first_ = true;
};

Result<Checkpoint> Checkpoint::parse(std::span<const std::byte> bytes, const Uuid& log) {
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0) {
    return fail({.code = Errc::invalid_argument, .what = "a checkpoint is read from bytes aligned to 8"});
  }
  if (bytes.size() < kCheckpointBlock) return broken("checkpoint header is cut", 0, kCheckpointBlock, bytes.size());
  Checkpoint checkpoint;
  CheckpointHeader& header = checkpoint.header_;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != kCheckpointMagic) return broken("checkpoint magic", 0, kCheckpointMagic, header.magic);
  const std::uint64_t check = checkpoint_header_check(header);
  if (header.check != check) {
    return broken("checkpoint header checksum", offsetof(CheckpointHeader, check), check, header.check);
  }
  if (header.format_version != kCheckpointVersion || header.incompatible != 0) {
    return fail({.code = Errc::unsupported,
                 .what = "checkpoint version",
                 .expected = kCheckpointVersion,
                 .actual = header.format_version});
  }
  const auto rest = bytes.subspan(sizeof(header), kCheckpointBlock - sizeof(header));
  if (header.zero != 0 || !std::ranges::all_of(rest, [](std::byte byte) { return byte == std::byte{}; })) {
    return broken("checkpoint header is not zero behind its fields", sizeof(header));
  }
  if (header.log != log) return broken("stale: of another log", offsetof(CheckpointHeader, log));
  if (header.size != bytes.size()) {
    return broken("checkpoint size", offsetof(CheckpointHeader, size), header.size, bytes.size());
  }

  // Every count is below the size of the file, so sums and products stay far below 2^64.
  std::uint64_t pages = 0;
  for (std::size_t kind = 0; kind < kCheckpointKinds; ++kind) {
    const CheckpointKeys& keys = header.kinds[kind];
    if (keys.pages > bytes.size() / kCheckpointBlock || keys.keys < keys.pages ||
        keys.keys / kCheckpointBlock > keys.pages) {
      return broken("checkpoint keys", offsetof(CheckpointHeader, kinds), keys.pages, keys.keys);
    }
    checkpoint.first_pages_[kind] = pages;
    pages += keys.pages;
  }
  checkpoint.first_pages_[kCheckpointKinds] = pages;
  if (header.segments > bytes.size() / sizeof(CheckpointSegment)) {
    return broken("checkpoint segments", offsetof(CheckpointHeader, segments), 0, header.segments);
  }
  const std::uint64_t tables = kCheckpointBlock * (1 + pages);
  const std::uint64_t segments_size = header.segments * sizeof(CheckpointSegment);
  const std::uint64_t expected = tables + segments_size + pages * sizeof(std::uint64_t);
  if (expected != bytes.size())
    return broken("checkpoint size", offsetof(CheckpointHeader, size), expected, bytes.size());

  CheckpointHeader sealed = header;
  seal_checkpoint_tables(sealed, bytes.data() + tables, bytes.size() - tables);
  if (sealed.tables_low != header.tables_low || sealed.tables_high != header.tables_high) {
    return broken("checkpoint tables checksum", tables, sealed.tables_low, header.tables_low);
  }
  checkpoint.bytes_ = bytes;
  checkpoint.segments_ = view<CheckpointSegment>(bytes.subspan(tables, segments_size));
  checkpoint.first_hashes_ = view<std::uint64_t>(bytes.subspan(tables + segments_size));
  DAYBOOK_TRY(check_segments(header, checkpoint.segments_, tables));
  for (std::size_t kind = 0; kind < kCheckpointKinds; ++kind) {
    const auto hashes = checkpoint.first_hashes_.subspan(checkpoint.first_pages_[kind], header.kinds[kind].pages);
    if (std::ranges::adjacent_find(hashes, std::greater_equal{}) != hashes.end()) {
      return broken("checkpoint page index does not ascend", tables + segments_size);
    }
  }
  return checkpoint;
}

bool covers_first_of(std::span<const CheckpointSegment> covered, std::span<const std::uint64_t> numbers) noexcept {
  return covered.size() <= numbers.size() &&
         std::ranges::equal(covered, numbers.first(covered.size()), {}, &CheckpointSegment::number);
}

std::uint64_t Checkpoint::keys(KeyKind kind) const noexcept {
  return header_.kinds[static_cast<std::size_t>(kind)].keys;
}

KeyKind Checkpoint::kind_of(std::uint64_t page) const noexcept {
  std::size_t kind = 0;
  while (page >= first_pages_[kind + 1]) ++kind;
  return static_cast<KeyKind>(kind);
}

Result<std::optional<CheckpointKey>> Checkpoint::find(KeyKind kind, std::uint64_t hash) const {
  const std::uint64_t first = first_pages_[static_cast<std::size_t>(kind)];
  const auto hashes = first_hashes_.subspan(first, first_pages_[static_cast<std::size_t>(kind) + 1] - first);
  const auto after = std::ranges::upper_bound(hashes, hash);
  if (after == hashes.begin()) return std::nullopt;
  PageReader page(*this, first + static_cast<std::uint64_t>(after - hashes.begin()) - 1);
  DAYBOOK_TRY(page.open());
  // As far as the key, or where it would be. What is behind it is covered by the page's checksum, and no part of the answer.
  CheckpointKey key;
  do {
    DAYBOOK_TRY(page.next(&key, &hash));
  } while (!page.at_end() && page.hash() < hash);
  if (key.segments.empty()) return std::nullopt;
  return key;
}

std::uint64_t Checkpoint::last_hash(std::uint64_t page) const noexcept {
  const bool last = page + 1 == first_pages_[static_cast<std::size_t>(kind_of(page)) + 1];
  return last ? std::numeric_limits<std::uint64_t>::max() : first_hashes_[page + 1] - 1;
}

Result<const CheckpointKey*> Checkpoint::Walk::next() {
  if (at_ == keys_.size()) {
    if (page_ == checkpoint_.pages()) return nullptr;
    PageReader page(checkpoint_, page_);
    DAYBOOK_TRY(page.open());
    keys_.clear();
    while (!page.at_end()) DAYBOOK_TRY(page.next(&keys_.emplace_back()));
    ++page_;
    at_ = 0;
  }
  return &keys_[at_++];
}

}  // namespace daybook::index
