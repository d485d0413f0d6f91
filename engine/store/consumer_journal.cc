#include "store/consumer_journal.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "format/checksum.h"
#include "log/query_match.h"

namespace daybook::consumers {
namespace {

static_assert(std::endian::native == std::endian::little, "a journal is written as it is in memory");

class BodyWriter {
 public:
  template <typename T>
  void number(T value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void text(std::string_view text) {
    number(static_cast<std::uint16_t>(text.size()));
    const auto bytes = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void texts(const std::vector<std::string>& texts) {
    number(static_cast<std::uint16_t>(texts.size()));
    for (const std::string& one : texts) text(one);
  }
  void time(const std::optional<Timestamp>& time) {
    number(static_cast<std::uint8_t>(time.has_value()));
    number(time ? time->time_since_epoch().count() : std::int64_t{0});
  }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// Everything that it returns once it has failed is empty.
class BodyReader {
 public:
  explicit BodyReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  template <typename T>
  T number() noexcept {
    T value{};
    if (bytes_.size() < sizeof(value)) {
      failed_ = true;
      return value;
    }
    std::memcpy(&value, bytes_.data(), sizeof(value));
    bytes_ = bytes_.subspan(sizeof(value));
    return value;
  }
  std::string text() {
    const auto size = number<std::uint16_t>();
    if (failed_ || bytes_.size() < size) {
      failed_ = true;
      return {};
    }
    std::string text(reinterpret_cast<const char*>(bytes_.data()), size);
    bytes_ = bytes_.subspan(size);
    return text;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> texts;
    for (auto left = number<std::uint16_t>(); left > 0 && !failed_; --left) texts.push_back(text());
    return texts;
  }
  std::optional<Timestamp> time() noexcept {
    const auto given = number<std::uint8_t>();
    const auto time = number<std::int64_t>();
    if (given > 1 || (given == 0 && time != 0)) failed_ = true;
    if (given == 0) return std::nullopt;
    return Timestamp(std::chrono::nanoseconds(time));
  }
  // Nothing is left but the zeros that fill up to a multiple of 8.
  [[nodiscard]] bool ended_well() const noexcept {
    return !failed_ && bytes_.size() < 8 && std::ranges::all_of(bytes_, [](std::byte b) { return b == std::byte{0}; });
  }
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  std::span<const std::byte> bytes_;
  bool failed_ = false;
};

std::uint64_t header_check(const JournalHeader& header) noexcept {
  return format::xxh3_128(std::as_bytes(std::span(&header, 1)).first(offsetof(JournalHeader, check))).low;
}

void write_items(BodyWriter& body, const std::vector<QueryItem>& items) {
  body.number(static_cast<std::uint16_t>(items.size()));
  for (const QueryItem& item : items) {
    body.texts(item.streams);
    body.texts(item.types);
    body.texts(item.tags);
  }
}

std::vector<QueryItem> read_items(BodyReader& body) {
  std::vector<QueryItem> items;
  for (auto left = body.number<std::uint16_t>(); left > 0 && !body.failed(); --left) {
    QueryItem item;
    item.streams = body.texts();
    item.types = body.texts();
    item.tags = body.texts();
    items.push_back(std::move(item));
  }
  return items;
}

bool read_query(BodyReader& body, ConsumerState& state) {
  Query query;
  query.items = read_items(body);
  query.except = read_items(body);
  query.recorded_from = body.time();
  query.recorded_before = body.time();
  query.occurred_from = body.time();
  query.occurred_before = body.time();
  if (!body.ended_well() || !log::check_query(query)) return false;
  state.query = std::move(query);
  return true;
}

bool read_place(BodyReader& body, RecordKind kind, ConsumerState& state) {
  ResumeToken at{.log = state.at.log};
  at.epoch = body.number<std::uint64_t>();
  at.position = body.number<std::uint64_t>();
  const Timestamp now{std::chrono::nanoseconds(body.number<std::int64_t>())};
  if (!body.ended_well() || (kind == RecordKind::position && at.position < state.at.position)) return false;
  if (kind == RecordKind::reset) {
    reset_to(state, at, now);
  } else {
    state.at = at;
    state.saved_at = now;
  }
  return true;
}

bool read_parked(BodyReader& body, ConsumerState& state) {
  ParkedEvent event;
  event.position = body.number<std::uint64_t>();
  event.version = body.number<std::uint64_t>();
  event.parked_at = Timestamp(std::chrono::nanoseconds(body.number<std::int64_t>()));
  event.attempts = body.number<std::uint32_t>();
  event.stream = body.text();
  event.type = body.text();
  event.error = body.text();
  if (!body.ended_well() || event.position == 0 || event.stream.empty()) return false;
  state.parked.insert_or_assign(event.position, std::move(event));
  return true;
}

bool read_record(std::span<const std::byte> bytes, RecordKind kind, ConsumerState& state) {
  BodyReader body(bytes);
  switch (kind) {
    case RecordKind::query: return read_query(body, state);
    case RecordKind::position:
    case RecordKind::reset: return read_place(body, kind, state);
    case RecordKind::parked: return read_parked(body, state);
    case RecordKind::unparked: break;
  }
  const auto position = body.number<std::uint64_t>();
  return body.ended_well() && state.parked.erase(position) == 1;
}

Result<JournalHeader> parse_header(std::span<const std::byte> bytes) {
  JournalHeader header{};
  if (bytes.size() < sizeof(header)) {
    return fail(Error{
        .code = Errc::corrupt, .what = "consumer: file is short", .expected = sizeof(header), .actual = bytes.size()});
  }
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != kJournalMagic) {
    return fail(
        Error{.code = Errc::corrupt, .what = "consumer: magic", .expected = kJournalMagic, .actual = header.magic});
  }
  if (header.check != header_check(header)) {
    return fail(Error{.code = Errc::corrupt,
                      .what = "consumer: header checksum",
                      .expected = header_check(header),
                      .actual = header.check});
  }
  if (header.format_version != kJournalVersion || header.incompatible != 0) {
    return fail(Error{.code = Errc::unsupported,
                      .what = "consumer: format version",
                      .expected = kJournalVersion,
                      .actual = header.format_version});
  }
  return header;
}

}  // namespace

void reset_to(ConsumerState& state, const ResumeToken& at, Timestamp now) {
  state.parked.erase(state.parked.upper_bound(at.position), state.parked.end());
  state.at = at;
  state.saved_at = now;
}

JournalWriter::JournalWriter(const ConsumerState& state, std::uint64_t salt) {
  JournalHeader header{.magic = kJournalMagic,
                       .format_version = kJournalVersion,
                       .incompatible = 0,
                       .log = state.at.log,
                       .salt = salt,
                       .epoch = state.at.epoch,
                       .position = state.at.position,
                       .saved_at = state.saved_at.time_since_epoch().count(),
                       .base_size = 0,
                       .check = 0};
  bytes_.resize(sizeof(header));
  const auto add_records = [&] {
    bytes_.resize(sizeof(header));
    check_ = header.check;
    add_query(state.query);
    for (const auto& [position, event] : state.parked) add_parked(event);
  };
  add_records();  // once for their size, and once seeded with the header that has it
  header.base_size = bytes_.size();
  header.check = header_check(header);
  add_records();
  std::memcpy(bytes_.data(), &header, sizeof(header));
}

void JournalWriter::add_query(const Query& query) {
  BodyWriter body;
  write_items(body, query.items);
  write_items(body, query.except);
  body.time(query.recorded_from);
  body.time(query.recorded_before);
  body.time(query.occurred_from);
  body.time(query.occurred_before);
  add(RecordKind::query, body.bytes());
}

void JournalWriter::add_place(RecordKind kind, const ResumeToken& at, Timestamp now) {
  BodyWriter body;
  body.number(at.epoch);
  body.number(at.position);
  body.number(now.time_since_epoch().count());
  add(kind, body.bytes());
}

void JournalWriter::add_parked(const ParkedEvent& event) {
  BodyWriter body;
  body.number(event.position);
  body.number(event.version);
  body.number(event.parked_at.time_since_epoch().count());
  body.number(event.attempts);
  body.text(event.stream);
  body.text(event.type);
  body.text(std::string_view(event.error).substr(0, kParkedErrorMax));
  add(RecordKind::parked, body.bytes());
}

void JournalWriter::add_unparked(Position position) {
  BodyWriter body;
  body.number(position);
  add(RecordKind::unparked, body.bytes());
}

void JournalWriter::add(RecordKind kind, std::span<const std::byte> body) {
  const std::size_t begin = bytes_.size();
  const std::size_t size = (sizeof(RecordHeader) + body.size() + 7) / 8 * 8;
  RecordHeader header{
      .check = 0, .size = static_cast<std::uint32_t>(size), .kind = static_cast<std::uint8_t>(kind), .zero = {}};
  bytes_.resize(begin + size);
  std::memcpy(bytes_.data() + begin, &header, sizeof(header));
  std::ranges::copy(body, bytes_.begin() + static_cast<std::ptrdiff_t>(begin + sizeof(header)));
  header.check = format::xxh3_128(std::span(bytes_).subspan(begin + sizeof(header.check)), check_).low;
  std::memcpy(bytes_.data() + begin, &header.check, sizeof(header.check));
  check_ = header.check;
}

Result<Journal> parse_journal(std::span<const std::byte> bytes) {
  const auto header = parse_header(bytes);
  if (!header) return fail(header.error());
  Journal journal;
  journal.base_size = header->base_size;
  journal.check = header->check;
  journal.end = sizeof(JournalHeader);
  journal.state.at = {.log = header->log, .epoch = header->epoch, .position = header->position};
  journal.state.saved_at = Timestamp(std::chrono::nanoseconds(header->saved_at));
  bool has_query = false;
  while (bytes.size() - journal.end >= sizeof(RecordHeader)) {
    const auto rest = bytes.subspan(journal.end);
    RecordHeader record{};
    std::memcpy(&record, rest.data(), sizeof(record));
    if (record.size < sizeof(record) || record.size > kRecordSizeMax || record.size % 8 != 0 ||
        record.size > rest.size()) {
      break;
    }
    const auto checked = rest.subspan(sizeof(record.check), record.size - sizeof(record.check));
    if (format::xxh3_128(checked, journal.check).low != record.check) break;
    const auto kind = static_cast<RecordKind>(record.kind);
    if (kind < RecordKind::query || kind > RecordKind::unparked) {
      return fail(Error{.code = Errc::unsupported, .what = "consumer: kind of record", .actual = record.kind});
    }
    if (!read_record(rest.subspan(sizeof(record), record.size - sizeof(record)), kind, journal.state)) {
      return fail(Error{.code = Errc::corrupt, .what = "consumer: record", .offset = journal.end});
    }
    has_query = has_query || kind == RecordKind::query;
    journal.end += record.size;
    journal.check = record.check;
  }
  if (journal.end < journal.base_size || !has_query) {
    return fail(Error{.code = Errc::corrupt,
                      .what = "consumer: end of what was synced",
                      .expected = journal.base_size,
                      .actual = journal.end});
  }
  return journal;
}

bool same_query(const Query& a, const Query& b) {
  const auto sorted = [](Query query) {
    for (auto* const items : {&query.items, &query.except}) {
      for (QueryItem& item : *items) {
        for (auto* const keys : {&item.streams, &item.types, &item.tags}) std::ranges::sort(*keys);
      }
      std::ranges::sort(*items, {},
                        [](const QueryItem& item) { return std::tie(item.streams, item.types, item.tags); });
    }
    return query;
  };
  return sorted(a) == sorted(b);
}

}  // namespace daybook::consumers
