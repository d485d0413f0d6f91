// Random use of the whole interface against a list in memory.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "store/store_fixture.h"
#include "support/rng.h"

namespace daybook::test {
namespace {

// What the store should hold, kept in the simplest way there is.
class Model {
 public:
  [[nodiscard]] Version version(const std::string& stream) const {
    const auto found = versions_.find(stream);
    return found == versions_.end() ? 0 : found->second;
  }
  void add(StoredEvent event) {
    event.position = events_.size() + 1;
    event.version = ++versions_[event.stream];
    events_.push_back(std::move(event));
  }
  [[nodiscard]] const std::vector<StoredEvent>& events() const { return events_; }

 private:
  std::vector<StoredEvent> events_;
  std::map<std::string, Version> versions_;
};

class ModelTest : public StoreTest, public ::testing::WithParamInterface<std::uint64_t> {
 protected:
  void SetUp() override {
    SCOPED_TRACE(GetParam());
    StoreTest::SetUp();
  }

  std::string random_text(std::size_t size_max) {
    std::string text;
    for (std::size_t size = rng_.below(size_max + 1); text.size() < size;)
      text.push_back(static_cast<char>(rng_.next()));
    return text;
  }
  std::string random_stream() { return "stream-" + std::to_string(rng_.below(rng_.coin() ? 4 : 200)); }
  Expect random_expectation(Version actual) {
    switch (rng_.below(5)) {
      case 0: return Expect::no_stream();
      case 1: return Expect::exists();
      case 2: return Expect::exactly(rng_.below(actual + 2));
      case 3: return Expect::exactly(actual);
      default: return Expect::any();
    }
  }
  StoredEvent random_event(const std::string& stream) {
    StoredEvent event;
    event.stream = stream;
    event.type = "type-" + std::to_string(rng_.below(20));
    event.schema_version = static_cast<std::uint32_t>(rng_.next());
    event.payload = random_text(rng_.below(20) == 0 ? 5000 : 60);
    if (rng_.coin()) event.metadata = random_text(40);
    for (std::uint64_t tags = rng_.below(4); tags > 0; --tags) event.tags.push_back("t" + random_text(10));
    if (rng_.coin()) event.occurred_at = static_cast<std::int64_t>(rng_.next() >> 1);
    if (rng_.coin()) {
      event.id.emplace();
      for (auto& byte : *event.id) byte = static_cast<std::uint8_t>(rng_.next());
    }
    return event;
  }

  // One append of 1 to 4 streams, which the model decides, too.
  void append() {
    std::vector<StoredEvent> events;
    std::vector<std::size_t> counts;
    std::vector<StreamAppend> streams;
    std::vector<std::string> names;
    for (std::uint64_t i = rng_.below(8) == 0 ? 1 + rng_.below(4) : 1; i > 0; --i) {
      const std::string name = random_stream();
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
    for (const std::string& name : names) {
      counts.push_back(1 + rng_.below(rng_.coin() ? 2 : 5));
      for (std::size_t i = 0; i < counts.back(); ++i) events.push_back(random_event(name));
    }
    std::vector<std::vector<std::string_view>> tags;
    for (const StoredEvent& event : events) tags.emplace_back(event.tags.begin(), event.tags.end());
    std::vector<NewEvent> given;
    for (std::size_t i = 0; i < events.size(); ++i) given.push_back(to_new(events[i], tags[i]));
    std::optional<std::size_t> refused;
    for (std::size_t i = 0, first = 0; i < names.size(); first += counts[i++]) {
      const Expect expect = random_expectation(model_.version(names[i]));
      streams.push_back({names[i], expect, std::span(given).subspan(first, counts[i])});
      if (!refused && !expect.met_by(model_.version(names[i]))) refused = i;
    }

    const auto appended = store().append(streams, {.durability = random_durability()});
    if (refused) {
      ASSERT_TRUE(fails_with(appended, Errc::wrong_version));
      ASSERT_EQ(appended.error().index, *refused);
      ASSERT_EQ(appended.error().actual, model_.version(names[*refused]));
      ASSERT_EQ(appended.error().expected, streams[*refused].expect.version());
      return;
    }
    ASSERT_TRUE(is_ok(appended));
    ASSERT_EQ(appended->first_position, model_.events().size() + 1);
    ASSERT_EQ(appended->last_position, model_.events().size() + events.size());
    for (StoredEvent& event : events) model_.add(std::move(event));
    for (std::size_t i = 0; i < names.size(); ++i) ASSERT_EQ(streams[i].last_version, model_.version(names[i]));
  }

  static NewEvent to_new(const StoredEvent& event, const std::vector<std::string_view>& tags) {
    NewEvent given{.type = event.type,
                   .payload = event.payload,
                   .schema_version = event.schema_version,
                   .metadata = event.metadata,
                   .tags = Tags(std::span(tags)),
                   .id = event.id};
    if (event.occurred_at) given.occurred_at = Timestamp(std::chrono::nanoseconds(*event.occurred_at));
    return given;
  }
  std::optional<Durability> random_durability() {
    if (rng_.below(50) == 0) return Durability::sync;
    if (rng_.below(50) == 0) return Durability::interval;
    return std::nullopt;
  }

  void compare(StoredEvent stored, Position position) {
    ASSERT_GE(stored.recorded_at, last_recorded_at_);
    stored.recorded_at = 0;
    ASSERT_EQ(stored, model_.events()[position - 1]);
  }

  void read_some() {
    const std::uint64_t size = model_.events().size();
    const Position from = rng_.below(size + 2);
    const bool forward = rng_.coin();
    const std::size_t count = rng_.below(200);
    last_recorded_at_ = 0;
    auto cursor = forward ? store().read({.after = from, .verify = rng_.coin()})
                          : store().read({.before = from + 1, .direction = Direction::backward, .verify = rng_.coin()});
    Position position = forward ? from : std::min<Position>(from, size) + 1;
    for (std::size_t i = 0; i < count; ++i) {
      const EventView* const event = cursor.next();
      const bool at_end = forward ? position >= size : position <= 1;
      ASSERT_EQ(event == nullptr, at_end);
      if (at_end) break;
      position = forward ? position + 1 : position - 1;
      ASSERT_NO_FATAL_FAILURE(compare(StoredEvent(*event), position));
    }
    ASSERT_FALSE(cursor.error().has_value());
  }

  void read_everything() {
    auto reader = Store::open(path(), read_only());
    ASSERT_TRUE(is_ok(reader));
    auto stored = read_all(rng_.coin() ? *reader : store());
    ASSERT_EQ(stored.size(), model_.events().size());
    last_recorded_at_ = 0;
    for (StoredEvent& event : stored) {
      const std::int64_t recorded_at = event.recorded_at;
      ASSERT_NO_FATAL_FAILURE(compare(event, event.position));
      last_recorded_at_ = recorded_at;
    }
  }

  void look_at_heads() {
    const std::string stream = random_stream();
    const auto head = store().head(stream);
    ASSERT_TRUE(is_ok(head));
    ASSERT_EQ(head->version, model_.version(stream));
    const auto last = std::ranges::find(model_.events().rbegin(), model_.events().rend(), stream, &StoredEvent::stream);
    ASSERT_EQ(head->last_position, last == model_.events().rend() ? 0 : last->position);
    ASSERT_EQ(store().published_position(), model_.events().size());
  }

  Rng rng_{GetParam()};
  Model model_;
  std::int64_t last_recorded_at_ = 0;
};

TEST_P(ModelTest, AgreesWithAListInMemory) {
  for (int step = 0; step < 4000; ++step) {
    const auto dice = rng_.below(1000);
    if (dice < 900) {
      ASSERT_NO_FATAL_FAILURE(append());
    } else if (dice < 960) {
      ASSERT_NO_FATAL_FAILURE(look_at_heads());
    } else if (dice < 990) {
      ASSERT_NO_FATAL_FAILURE(read_some());
    } else if (dice < 996) {
      ASSERT_TRUE(is_ok(store().sync()));
    } else {
      ASSERT_NO_FATAL_FAILURE(reopen(small_segments(rng_.coin() ? Durability::memory : Durability::interval)));
    }
  }
  ASSERT_NO_FATAL_FAILURE(read_everything());
  ASSERT_NO_FATAL_FAILURE(reopen());
  ASSERT_NO_FATAL_FAILURE(read_everything());
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, ::testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace daybook::test
