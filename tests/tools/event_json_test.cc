// Events as lines of JSON: what goes out comes back, and what is not right is refused with its reason.
#include "event_json.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/rng.h"

namespace daybook::tools {
namespace {

std::string read_error(std::string line) {
  EventLine event;
  return EventJsonReader().read(line, event);
}

EventLine read(std::string line) {
  EventLine event;
  EXPECT_EQ(EventJsonReader().read(line, event), "") << line;
  return event;
}

// An EventView over the parts of an EventLine, as the log would return it.
class Stored {
 public:
  explicit Stored(const EventLine& line) : line_(line) {
    for (const std::string& tag : line_.tags) {
      tag_bytes_ += static_cast<char>(tag.size());
      tag_bytes_ += tag;
    }
    view_.position = 7;
    view_.version = line_.version.value_or(1);
    view_.recorded_at = Timestamp(std::chrono::seconds(1'700'000'000));
    view_.occurred_at = line_.occurred_at.value_or(view_.recorded_at);
    view_.has_occurred_at = line_.occurred_at.has_value();
    view_.stream = line_.stream;
    view_.type = line_.type;
    view_.schema_version = line_.schema_version;
    view_.payload = line_.payload;
    view_.metadata = line_.metadata;
    view_.tags = TagsView(tag_bytes_, line_.tags.size());
    view_.id = line_.id ? &*line_.id : nullptr;
  }
  [[nodiscard]] const EventView& view() const { return view_; }

 private:
  EventLine line_;
  std::string tag_bytes_;
  EventView view_;
};

std::string write(const EventLine& line) { return std::string(EventJsonWriter().write(Stored(line).view())); }

TEST(EventJsonTest, EveryKey) {
  const EventLine event =
      read(R"({"position":3,"stream":"a","version":"12","type":"T","schema":4,"time":"2014-02-07T17:16:58Z",)"
           R"("recorded_at":"2020-01-01T00:00:00Z","id":"00112233-4455-6677-8899-aabbccddeeff","tags":["x","y\n"],)"
           R"("metadata": [1, 2] ,"data" : { "a" : "b" } })");
  EXPECT_EQ(event.stream, "a");
  EXPECT_EQ(event.version, 12u);
  EXPECT_EQ(event.type, "T");
  EXPECT_EQ(event.schema_version, 4u);
  EXPECT_EQ(event.occurred_at, Timestamp(std::chrono::seconds(1'391'793'418)));
  EXPECT_EQ(event.id->at(15), 0xff);
  EXPECT_EQ(event.tags, (std::vector<std::string>{"x", "y\n"}));
  EXPECT_EQ(event.metadata, "[1, 2]");
  EXPECT_EQ(event.payload, R"({ "a" : "b" })");
}

TEST(EventJsonTest, AbsentKeysMeanNothingWasGiven) {
  const EventLine event = read(R"({"type":"T","stream":"a"})");
  EXPECT_EQ(event.version, std::nullopt);
  EXPECT_EQ(event.schema_version, 1u);
  EXPECT_EQ(event.occurred_at, std::nullopt);
  EXPECT_EQ(event.id, std::nullopt);
  EXPECT_TRUE(event.tags.empty() && event.metadata.empty() && event.payload.empty());
}

// Numbers, spaces, escapes: the text is stored as it stands, not as a parser understands it.
TEST(EventJsonTest, DataKeepsItsBytes) {
  for (const std::string data : {R"({})", R"([ ])", R"("text")", R"("A\"\\")", "1", "-0.0", "1e5", "true", "false",
                                 "null", R"({"b":1,"a":{"b":1},"b":2})", "[1 ,  2]", "123456789012345678901234567890",
                                 "1.000000000000000000000000000001", R"(["]","}"])", "\"gr\xc3\xbc\xc3\x9f\""}) {
    EXPECT_EQ(read(R"({"stream":"a","type":"T","data":)" + data + "}").payload, data);
    EXPECT_EQ(read(R"({"stream":"a","type":"T","data":  )" + data + " \t }").payload, data);
    EXPECT_EQ(read(R"({"data":)" + data + R"( ,"stream":"a","type":"T","metadata":)" + data + "}").metadata, data);
  }
}

TEST(EventJsonTest, SaysWhatIsWrong) {
  struct Case {
    const char* line;
    const char* reason;
  };
  const std::array cases = {
      Case{"", "is not JSON"},
      Case{"nonsense", "is not a JSON object"},
      Case{"[]", "is not a JSON object"},
      Case{"{", "is not"},
      Case{R"({"type":"T"})", "\"stream\" is missing"},
      Case{R"({"stream":"a"})", "\"type\" is missing"},
      Case{R"({"stream":"a","type":"T"} x)", "is not a JSON object"},
      Case{R"({"stream":"a","type":"T"}{})", "something follows"},
      Case{R"({"stream":"a","type":"T","extra":1})", "\"extra\" is not a key"},
      Case{R"({"stream":"a","type":"T","stream":"b"})", "\"stream\" is given twice"},
      Case{R"({"stream":"a","stream_base64":"YQ==","type":"T"})", "\"stream_base64\" is given twice"},
      Case{R"({"stream":"a","type":"T","data":1,"data_base64":"YQ=="})", "\"data_base64\" is given twice"},
      Case{R"({"stream":1,"type":"T"})", "\"stream\" is not text"},
      Case{R"({"stream":"a","type":null})", "\"type\" is not text"},
      Case{R"({"stream":"a","type":"T","version":0})", "\"version\" is 0"},
      Case{R"({"stream":"a","type":"T","version":-1})", "\"version\" is not a number that fits"},
      Case{R"({"stream":"a","type":"T","version":1.5})", "\"version\" is not a number that fits"},
      Case{R"({"stream":"a","type":"T","version":18446744073709551616})", "\"version\" is not a number that fits"},
      Case{R"({"stream":"a","type":"T","schema":4294967296})", "\"schema\" is over"},
      Case{R"({"stream":"a","type":"T","time":"yesterday"})", "\"time\" is not a time"},
      Case{R"({"stream":"a","type":"T","id":"1234"})", "\"id\" is not a UUID"},
      Case{R"({"stream":"a","type":"T","tags":"x"})", "\"tags\" is not an array"},
      Case{R"({"stream":"a","type":"T","tags":[1]})", "\"tags\" is not text or"},
      Case{R"({"stream":"a","type":"T","tags":[{"base64":"!"}]})", "\"tags\" is not base64"},
      Case{R"({"stream":"a","type":"T","tags":[{}]})", "\"tags\" is not {\"base64\": ...}"},
      Case{R"({"stream":"a","type":"T","data_base64":"YQ"})", "\"data_base64\" is not base64"},
      Case{R"({"stream":"a","type":"T","data":nul})", "\"data\" is not JSON"},
      Case{R"({"stream":"a","type":"T","data":{"a":[}})", "is not"},
      Case{R"({"stream":"a","type":"T","data":{"a":1,}})", "\"data\" is not JSON"},
      Case{R"({"stream":"a","type":"T","data":{"a" 1}})", "\"data\" is not JSON"},
      Case{R"({"stream":"a","type":"T","data":01})", "\"data\" is not JSON"},
      Case{R"({"stream":"a","type":"T","data":"\x"})", "\"data\" is not JSON"},
      Case{R"({"stream":"a","type":"T","data":1 2})", "is not"},
      Case{"{\"stream\":\"\xff\",\"type\":\"T\"}", "is not"},
      Case{"{\"stream\":\"a\",\"type\":\"T\",\"data\":\"\xc3\"}", "is not"},
  };
  for (const Case& at : cases) {
    const std::string error = read_error(at.line);
    EXPECT_NE(error.find(at.reason), std::string::npos) << at.line << "\n" << error;
  }
}

std::string random_bytes(test::Rng& rng, std::uint64_t size_min, std::uint64_t size_max) {
  std::string bytes;
  const bool text = rng.coin();
  for (std::uint64_t size = size_min + rng.below(size_max - size_min + 1); size > 0; --size) {
    bytes += static_cast<char>(text ? ' ' + rng.below(95) : 1 + rng.below(255));
  }
  return bytes;
}

std::string random_payload(test::Rng& rng) {
  constexpr std::array kPayloads = {
      "",
      "{}",
      "{\"a\": [1, 2,{\"b\":null}] }",
      " {}",
      "{} ",
      "{\n}",
      "{\r}",
      "[1e400]",
      "1e5 ",
      "\"\"",
      "\"\n\"",
      "nul",
      "\"\\ud800\"",
      "\xff",
      "[[[[",
      "\"a\tb\"",
      "{\"a\":1}\n",
  };
  return rng.coin() ? kPayloads[rng.below(kPayloads.size())] : random_bytes(rng, 0, 40);
}

TEST(EventJsonTest, AnyEventComesBack) {
  test::Rng rng(4);
  for (int i = 0; i < 20'000; ++i) {
    EventLine event;
    event.stream = random_bytes(rng, 1, 20);
    event.type = random_bytes(rng, 1, 20);
    event.version = rng.coin() ? rng.next() | 1 : 1 + rng.below(100);
    event.schema_version = static_cast<std::uint32_t>(rng.below(3));
    event.payload = random_payload(rng);
    event.metadata = random_payload(rng);
    for (std::uint64_t tags = rng.below(4); tags > 0; --tags) event.tags.push_back(random_bytes(rng, 1, 10));
    if (rng.coin()) event.occurred_at = Timestamp(std::chrono::nanoseconds(static_cast<std::int64_t>(rng.next())));
    if (rng.coin()) {
      event.id.emplace();
      for (auto& byte : *event.id) byte = static_cast<std::uint8_t>(rng.next());
    }
    const std::string line = write(event);
    ASSERT_EQ(line.find('\n'), line.size() - 1) << line;
    const EventLine back = read(line);
    ASSERT_TRUE(back.matches(Stored(event).view())) << line;
    ASSERT_EQ(back.version, event.version) << line;
  }
}

TEST(EventJsonTest, NothingCrashesTheReader) {
  test::Rng rng(5);
  const std::string good =
      R"({"stream":"a","version":12,"type":"T","time":"2014-02-07T17:16:58Z","tags":["x",{"base64":"YQ=="}],)"
      R"("metadata_base64":"YWI=","data":{"a":[1,2.5,"\u00fc",null,true]}})";
  EventJsonReader reader;
  EventLine event;
  int accepted = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string line = good;
    for (std::uint64_t changes = 1 + rng.below(3); changes > 0; --changes) {
      const std::size_t at = rng.below(line.size());
      switch (rng.below(3)) {
        case 0: line[at] = static_cast<char>(rng.next()); break;
        case 1: line.erase(at, 1 + rng.below(5)); break;
        default: line.insert(at, 1, "{}[]\",:\\0"[rng.below(9)]); break;
      }
      if (line.empty()) line = "x";
    }
    accepted += reader.read(line, event).empty() ? 1 : 0;
  }
  EXPECT_GT(accepted, 100) << "some changes leave an event";
  EXPECT_LT(accepted, 40'000) << "most do not";
}

// A line may be an attack: a stack per bracket would end the program.
TEST(EventJsonTest, DepthIsNotAStackOverflow) {
  const std::string deep(1'000'000, '[');
  EXPECT_NE(read_error(R"({"stream":"a","type":"T","data":)" + deep + "}"), "");
  const std::string closed = std::string(100'000, '[') + std::string(100'000, ']');
  EventLine event;
  event.stream = "a";
  event.type = "T";
  event.payload = closed;
  EXPECT_EQ(read(write(event)).payload, closed) << "embedded or in base64, but back";
}

TEST(EventJsonTest, LargeNumbersAreStrings) {
  EventLine event;
  event.stream = "a";
  event.type = "T";
  event.version = (std::uint64_t{1} << 53) - 1;
  EXPECT_NE(write(event).find("\"version\":9007199254740991,"), std::string::npos);
  event.version = std::uint64_t{1} << 53;
  EXPECT_NE(write(event).find("\"version\":\"9007199254740992\","), std::string::npos);
}

}  // namespace
}  // namespace daybook::tools
