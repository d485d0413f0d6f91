#include "index/sidecar.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "index/broken.h"
#include "index/sidecar_layout.h"

namespace daybook::index {
namespace {

constexpr std::uint64_t kUnit = 8;  // bytes; frames begin at multiples of it

// The file is of that segment, and covers nothing that the segment does not have.
Result<> check_identity(const SidecarHeader& header, const SidecarIdentity& expected) {
  if (header.log != expected.log) return broken("stale: of another log", offsetof(SidecarHeader, log));
  if (header.segment != expected.segment) return broken("stale: of another segment", offsetof(SidecarHeader, segment));
  const auto check = [&](const char* what, std::size_t offset, std::uint64_t wanted, std::uint64_t found) -> Result<> {
    if (found != wanted) return broken(what, offset, wanted, found);
    return {};
  };
  DAYBOOK_TRY(check("stale: segment number", offsetof(SidecarHeader, number), expected.number, header.number));
  DAYBOOK_TRY(check("stale: epoch", offsetof(SidecarHeader, epoch), expected.epoch, header.epoch));
  DAYBOOK_TRY(check("stale: base position", offsetof(SidecarHeader, base_position), expected.base_position,
                    header.base_position));
  const auto bound = [&](const char* what, std::size_t offset, std::uint64_t most, std::uint64_t found) -> Result<> {
    if (found > most) return broken(what, offset, most, found);
    return {};
  };
  DAYBOOK_TRY(
      bound("stale: covers more bytes", offsetof(SidecarHeader, valid_end), expected.valid_end, header.valid_end));
  DAYBOOK_TRY(bound("stale: covers more events", offsetof(SidecarHeader, events), expected.events, header.events));
  return bound("stale: covers more frames", offsetof(SidecarHeader, frames), expected.frames, header.frames);
}

Result<> check_counts(const SidecarHeader& header) {
  if (header.events > kSidecarEventsMax) {
    return broken("sidecar events", offsetof(SidecarHeader, events), kSidecarEventsMax, header.events);
  }
  if (header.frames > header.events || (header.frames == 0) != (header.events == 0)) {
    return broken("sidecar frames", offsetof(SidecarHeader, frames), header.events, header.frames);
  }
  if (header.recorded_first > header.recorded_last || header.occurred_first > header.occurred_last) {
    return broken("sidecar times", offsetof(SidecarHeader, recorded_first));
  }
  return {};
}

// One behind the other, from the header to the end of the file.
Result<> check_sections(const SidecarHeader& header, std::uint64_t size) {
  std::uint64_t end = sizeof(header);
  for (const SidecarSection& section : header.sections) {
    if (section.offset != end || section.size % kUnit != 0 || section.size > size - end) {
      return broken("sidecar section", offsetof(SidecarHeader, sections), end, section.offset);
    }
    end += section.size;
  }
  if (end != size) return broken("sidecar ends before its bytes", end, size, end);
  return {};
}

}  // namespace

// Fills a Sidecar, part by part.
class Sidecar::Parser {
 public:
  Parser(std::span<const std::byte> bytes, Sidecar& sidecar) : bytes_(bytes), sidecar_(sidecar) {}

  Result<> run(const SidecarIdentity& expected) {
    DAYBOOK_TRY(read_header());
    DAYBOOK_TRY(check_identity(header_, expected));
    DAYBOOK_TRY(check_body());
    DAYBOOK_TRY(check_counts(header_));
    DAYBOOK_TRY(check_sections(header_, bytes_.size()));
    take_header();
    DAYBOOK_TRY(read_frames());
    for (std::size_t kind = 0; kind < kKeyKinds; ++kind) DAYBOOK_TRY(read_tables(static_cast<KeyKind>(kind)));
    return {};
  }

 private:
  Result<> read_header() {
    if (reinterpret_cast<std::uintptr_t>(bytes_.data()) % kUnit != 0) {
      return fail({.code = Errc::invalid_argument, .what = "a sidecar is read from bytes aligned to 8"});
    }
    if (bytes_.size() < sizeof(header_)) return broken("sidecar header is cut", 0, sizeof(header_), bytes_.size());
    std::memcpy(&header_, bytes_.data(), sizeof(header_));
    if (header_.magic != kSidecarMagic) return broken("sidecar magic", 0, kSidecarMagic, header_.magic);
    const std::uint64_t check = sidecar_header_check(header_);
    if (header_.check != check)
      return broken("sidecar header checksum", offsetof(SidecarHeader, check), check, header_.check);
    if (header_.format_version != kSidecarVersion || header_.incompatible != 0) {
      return fail({.code = Errc::unsupported,
                   .what = "sidecar version",
                   .expected = kSidecarVersion,
                   .actual = header_.format_version});
    }
    if (header_.zero != 0) return broken("sidecar header", offsetof(SidecarHeader, zero), 0, header_.zero);
    if (header_.reserved != decltype(header_.reserved){}) {
      return broken("sidecar header", offsetof(SidecarHeader, reserved), 0, 1);
    }
    return {};
  }

  Result<> check_body() const {
    const std::uint64_t size = bytes_.size() - sizeof(header_);
    if (header_.body_size != size)
      return broken("sidecar size", offsetof(SidecarHeader, body_size), header_.body_size, size);
    const SidecarHash hash = sidecar_body_hash(bytes_.data() + sizeof(header_), size);
    if (hash != SidecarHash{header_.hash_low, header_.hash_high}) {
      return broken("sidecar body checksum", offsetof(SidecarHeader, hash_low), header_.hash_low, hash.low);
    }
    return {};
  }

  void take_header() {
    sidecar_.identity_ = {.log = header_.log,
                          .segment = header_.segment,
                          .number = header_.number,
                          .epoch = header_.epoch,
                          .base_position = header_.base_position,
                          .valid_end = header_.valid_end,
                          .events = header_.events,
                          .frames = header_.frames};
    sidecar_.recorded_ = {header_.recorded_first, header_.recorded_last};
    sidecar_.occurred_ = {header_.occurred_first, header_.occurred_last};
  }

  [[nodiscard]] std::span<const std::byte> section(std::size_t number) const {
    return bytes_.subspan(header_.sections[number].offset, header_.sections[number].size);
  }
  [[nodiscard]] std::unexpected<Error> moved_from(std::size_t number, const Error& error) const {
    return moved(error, header_.sections[number].offset);
  }

  Result<> read_list(std::size_t number, std::uint64_t maximum, MonotoneList& out) const {
    const auto list =
        MonotoneList::parse(section(number), {header_.frames, maximum, MonotoneList::Order::strictly_ascending});
    if (!list) return moved_from(number, list.error());
    out = *list;
    return {};
  }

  Result<> read_frames() {
    // The last frame begins before the end of what is covered.
    if (header_.frames > 0 && header_.valid_end == 0)
      return broken("sidecar frames", offsetof(SidecarHeader, valid_end));
    const std::uint64_t last = header_.frames == 0 ? 0 : (header_.valid_end - 1) / kUnit;
    DAYBOOK_TRY(read_list(kFrameUnitsSection, last, sidecar_.frame_units_));
    const std::uint64_t firsts = header_.sections[kFrameFirstsSection].offset;
    if (header_.frames == header_.events) {
      if (header_.sections[kFrameFirstsSection].size != 0) return broken("sidecar frames of one event", firsts);
      return {};
    }
    DAYBOOK_TRY(read_list(kFrameFirstsSection, header_.events - 1, sidecar_.frame_firsts_));
    if (sidecar_.frame_firsts_[0] != 0) return broken("sidecar first event", firsts, 0, sidecar_.frame_firsts_[0]);
    return {};
  }

  Result<> read_tables(KeyKind kind) {
    Tables& tables = sidecar_.tables_[static_cast<std::size_t>(kind)];
    const auto small = SmallTable::parse(section(small_section(kind)), header_.events);
    if (!small) return moved_from(small_section(kind), small.error());
    tables.small = *small;
    auto large = LargeTable::parse(section(large_section(kind)), {kind, header_.events, sidecar_.hash_});
    if (!large) return moved_from(large_section(kind), large.error());
    tables.large = *std::move(large);
    return {};
  }

  const std::span<const std::byte> bytes_;
  Sidecar& sidecar_;
  SidecarHeader header_;
};

Result<std::unique_ptr<Sidecar>> Sidecar::parse(std::span<const std::byte> bytes, const SidecarIdentity& expected,
                                                KeyHash hash) {
  std::unique_ptr<Sidecar> sidecar(new Sidecar(hash));
  if (const auto parsed = Parser(bytes, *sidecar).run(expected); !parsed) {
    Error error = parsed.error();
    error.segment = expected.number;
    return fail(error);
  }
  return sidecar;
}

std::uint32_t Sidecar::first_of(std::uint32_t frame) const noexcept {
  return frame_firsts_.size() == 0 ? frame : frame_firsts_[frame];
}

Place Sidecar::place(std::uint32_t ordinal) const {
  Place place;
  warm_places({&ordinal, 1}, {&place, 1});
  return place;
}

void Sidecar::places(std::span<const std::uint32_t> ordinals, std::span<Place> out) const {
  prefetch_places(ordinals, Step::first);
  prefetch_places(ordinals, Step::second);
  warm_places(ordinals, out);
}

void Sidecar::warm_places(std::span<const std::uint32_t> ordinals, std::span<Place> out) const noexcept {
  assert(ordinals.empty() || ordinals.back() < events());
  if (frame_firsts_.size() == 0) {
    for (std::size_t i = 0; i < ordinals.size(); ++i) out[i] = {frame_units_[ordinals[i]] * kUnit, 0};
    return;
  }
  for (std::size_t i = 0; i < ordinals.size(); ++i) {
    const std::uint32_t frame = frame_firsts_.lower_bound(std::uint64_t{ordinals[i]} + 1) - 1;
    out[i] = {frame_units_[frame] * kUnit, ordinals[i] - first_of(frame)};
  }
}

// Where frames have several events, the frame of an ordinal takes a search, of which nothing is known beforehand.
void Sidecar::prefetch_places(std::span<const std::uint32_t> ordinals, Step step) const noexcept {
  if (frame_firsts_.size() != 0) return;
  for (const std::uint32_t ordinal : ordinals) frame_units_.prefetch(ordinal, step);
}

Sidecar::Bucket Sidecar::bucket(KeyKind kind, std::uint64_t hash) const noexcept {
  const Bucket bucket = tables(kind).small.bucket(hash);
  tables(kind).small.prefetch(bucket);
  return bucket;
}

std::size_t Sidecar::likely(KeyKind kind, std::uint64_t hash, Bucket bucket,
                            std::span<std::uint32_t> out) const noexcept {
  SmallTable::Room room;
  const auto groups = tables(kind).small.slot(hash, bucket, room);
  if (groups.empty()) {
    tables(kind).large.prefetch(hash);
    return 0;
  }
  // Of several, the key with more events is the more likely one to be asked for.
  SmallTable::Group most;
  for (auto rest = groups; rest.size() > most.size();) {
    const SmallTable::Group group = SmallTable::first_group(rest);
    if (group.size() > most.size()) most = group;
    rest = rest.subspan(group.size());
  }
  std::copy_n(most.begin(), std::min(most.size(), out.size()), out.begin());
  return most.size();
}

std::uint32_t Sidecar::ordinal_at(std::uint64_t frame_offset) const {
  const std::uint64_t unit = frame_offset / kUnit + (frame_offset % kUnit == 0 ? 0 : 1);
  const std::uint32_t frame = frame_units_.lower_bound(unit);
  return frame == frame_units_.size() ? events() : first_of(frame);
}

SmallTable::Group Sidecar::find_group(const Key& key, std::uint64_t hash, const EventKeys& events,
                                      SmallTable::Room& room) const {
  const SmallTable& small = tables(key.kind).small;
  const auto groups = small.slot(hash, small.bucket(hash), room);
  std::array<std::uint32_t, SmallTable::kBucketMax> firsts;
  std::size_t count = 0;
  for (auto rest = groups; !rest.empty(); rest = rest.subspan(SmallTable::first_group(rest).size())) {
    firsts[count++] = rest.front();
  }
  if (count == 0) return {};
  const std::size_t number = events.carrier(std::span(firsts).first(count), key);
  if (number == count) return {};
  const auto begin = std::ranges::find(groups, firsts[number]);
  return SmallTable::first_group({begin, groups.end()});
}

// The large table is asked first: it needs no look at an event.
Postings Sidecar::find(const Key& key, const EventKeys& events) const {
  const LargeTable& large = tables(key.kind).large;
  const std::uint64_t hash = hash_(key);
  if (const LargeEntry* const entry = large.find(hash, key.bytes)) return large.postings(*entry);
  SmallTable::Room room;
  const SmallTable::Group group = find_group(key, hash, events, room);
  return group.empty() ? Postings() : Postings(Ordinals::of(group));
}

std::uint64_t Sidecar::count(const Key& key, const EventKeys& events) const {
  const std::uint64_t hash = hash_(key);
  if (const LargeEntry* const entry = tables(key.kind).large.find(hash, key.bytes)) return entry->count;
  SmallTable::Room room;
  return find_group(key, hash, events, room).size();
}

void Sidecar::each_key(KeyKind kind, const EventKeys& events, const KeyVisitor& visit) const {
  const Tables& tables = this->tables(kind);
  for (const LargeEntry& entry : tables.large.entries()) {
    visit(tables.large.text(entry), entry.count, entry.first, entry.last);
  }
  tables.small.each_group([&](std::uint64_t slot, SmallTable::Group group) {
    bool found = false;
    // The group's key is the one of its first event that belongs into the slot.
    events.each(group.front(), kind, [&](std::string_view text) {
      if (found || tables.small.slot_of(hash_({kind, text})) != slot) return;
      found = true;
      visit(text, group.size(), group.front(), group.back());
    });
  });
}

}  // namespace daybook::index
