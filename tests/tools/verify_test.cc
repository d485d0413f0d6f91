// verify and dump on stores that are whole, damaged, or not stores at all.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <daybook/daybook.h>

#include "command.h"
#include "format/layout.h"
#include "json.h"
#include "support/child.h"
#include "support/result_matchers.h"
#include "support/rng.h"
#include "support/temp_dir.h"
#include "tools/run_program.h"

namespace daybook::tools {
namespace {

namespace fs = std::filesystem;
using test::Outcome;
using test::run_inside;

constexpr std::uint64_t kSegmentSize = 64 << 10;

// A closed store of three segments: two sealed, one closed.
class VerifyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open(store(), {.durability = Durability::memory, .segment_size = kSegmentSize});
    ASSERT_TRUE(test::is_ok(opened));
    constexpr std::array<std::string_view, 1> kTags = {"tag"};
    const Tags tags{std::span<const std::string_view>(kTags)};
    for (int i = 0; segment_count() < 3 || i % 100 != 50; ++i) {
      const std::string data = fmt::format(R"({{"number":{}}})", i);
      const NewEvent event{.type = "Numbered", .payload = data, .metadata = "meta", .tags = tags};
      ASSERT_TRUE(test::is_ok(opened->append(fmt::format("s-{}", i % 7), Expect::any(), {event, event})));
      events_ += 2;
    }
    ASSERT_TRUE(test::is_ok(opened->close()));
    ASSERT_EQ(segment_count(), 3u);
  }

  // Only those that hold something: the next one is prepared ahead.
  [[nodiscard]] std::size_t segment_count() const {
    std::size_t count = 0;
    for (std::uint64_t number = 1; fs::exists(segment(number)); ++number) {
      std::ifstream in(segment(number), std::ios::binary);
      in.seekg(static_cast<std::streamoff>(format::kDataStart));
      std::uint64_t word = 0;
      in.read(reinterpret_cast<char*>(&word), sizeof(word));
      count += word != 0 ? 1 : 0;
    }
    return count;
  }

  [[nodiscard]] std::string store() const { return (directory_ / "store").string(); }
  [[nodiscard]] fs::path segment(std::uint64_t number) const {
    return fs::path(store()) / "segments" / format::segment_name(number);
  }
  static std::string contents(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  [[nodiscard]] Outcome verify() const { return run_inside({"verify", store()}); }

  const test::TempDir directory_;
  std::uint64_t events_ = 0;
};

TEST_F(VerifyTest, AWholeStoreIsOk) {
  const Outcome text = verify();
  EXPECT_EQ(text.status, kOk) << text.out;
  const std::string expected = fmt::format("ok: {} events in {} frames of 7 streams, 3 segments", events_, events_ / 2);
  std::string plain = text.out;
  std::erase(plain, ',');
  std::string wanted = expected;
  std::erase(wanted, ',');
  EXPECT_TRUE(plain.starts_with(wanted)) << text.out;
  EXPECT_NE(text.out.find("closed cleanly"), std::string::npos);

  const Outcome json = run_inside({"verify", store(), "--json"});
  EXPECT_EQ(json.status, kOk);
  EXPECT_TRUE(is_json(json.out)) << json.out;
  EXPECT_TRUE(json.out.starts_with(R"({"schema":"daybook.verify/1","ok":true,"state":"closed","segments":3,)"))
      << json.out;
  EXPECT_NE(json.out.find(R"("findings":[])"), std::string::npos);
}

// Any bit of any segment: it is found, and said where; and no verb that reads crashes on it.
TEST_F(VerifyTest, EveryBitThatFlipsIsFound) {
  test::Rng rng(21);
  for (int i = 0; i < 400; ++i) {
    const std::uint64_t number = 1 + rng.below(3);
    const std::string whole = contents(segment(number));
    // Half of them where frames and structures are dense.
    const std::uint64_t offset = rng.coin() ? rng.below(kSegmentSize) : rng.below(2 * format::kPage);
    std::string damaged = whole;
    damaged[offset] = static_cast<char>(damaged[offset] ^ (1 << rng.below(8)));
    write(segment(number), damaged);
    const Outcome outcome = verify();
    EXPECT_EQ(outcome.status, kNo) << "segment " << number << " offset " << offset << "\n"
                                   << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find(fmt::format("segment {} @ 0x", number)), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("damaged: "), std::string::npos) << outcome.out;
    EXPECT_EQ(run_inside({"dump", store(), "--events", "--hex", "--count", "30"}).status, kOk);
    run_inside({"cat", store()});
    run_inside({"info", store()});
    write(segment(number), whole);
  }
  EXPECT_EQ(verify().status, kOk) << "nothing was written by all that looking";
}

TEST_F(VerifyTest, MissingSwappedForeignAndShortFilesAreFound) {
  const std::string second = contents(segment(2));
  const std::string third = contents(segment(3));

  fs::rename(segment(2), directory_ / "kept");
  Outcome outcome = verify();
  EXPECT_EQ(outcome.status, kNo);
  EXPECT_NE(outcome.out.find("segment missing"), std::string::npos) << outcome.out;
  fs::rename(directory_ / "kept", segment(2));

  write(segment(2), third);
  write(segment(3), second);
  EXPECT_EQ(verify().status, kNo);
  write(segment(2), second);
  write(segment(3), third);

  write(segment(3), third.substr(0, third.size() - format::kPage));
  outcome = verify();
  EXPECT_EQ(outcome.status, kNo);
  EXPECT_NE(outcome.out.find("segment file size"), std::string::npos) << outcome.out;
  write(segment(3), std::string());
  EXPECT_EQ(verify().status, kNo);
  write(segment(3), third);

  // The same number in another store: everything in it is whole, but it is not ours.
  const std::string other = (directory_ / "other").string();
  ASSERT_EQ(run_inside({"import", other, "--segment-size", "64KiB"}, R"({"stream":"a","type":"T"})").status, kOk);
  const std::string first = contents(segment(1));
  write(segment(1), contents(fs::path(other) / "segments" / format::segment_name(1)));
  EXPECT_EQ(verify().status, kNo);
  write(segment(1), first);
  EXPECT_EQ(verify().status, kOk);
}

// The end of the log is gone with a whole file; only what was promised in LOCK and in other frames can tell.
TEST_F(VerifyTest, ALogThatEndsEarlyIsFound) {
  fs::remove(segment(3));
  const Outcome outcome = verify();
  EXPECT_EQ(outcome.status, kNo);
  EXPECT_NE(outcome.out.find("durable log ends early"), std::string::npos) << outcome.out;
}

// A writer that comes after a kill begins a segment, and may leave it empty.
TEST_F(VerifyTest, AnEmptySegmentThatWasClosedIsAnEnd) {
  test::Child killed([&] {
    auto opened = Store::open(store(), {.durability = Durability::memory});
    if (opened && opened->append("s-1", Expect::any(), {{.type = "Numbered"}})) std::raise(SIGKILL);
  });
  EXPECT_FALSE(killed.succeeded());
  auto opened = Store::open(store());
  ASSERT_TRUE(test::is_ok(opened));
  ASSERT_TRUE(opened->recovery().unclean);
  ASSERT_TRUE(test::is_ok(opened->close()));
  const Outcome outcome = verify();
  EXPECT_EQ(outcome.status, kOk) << outcome.out;
  EXPECT_NE(outcome.out.find("closed cleanly"), std::string::npos) << outcome.out;
}

TEST_F(VerifyTest, ReportsFindingsInJson) {
  std::string bytes = contents(segment(1));
  bytes[format::kDataStart + 40] ^= 1;
  write(segment(1), bytes);
  const Outcome outcome = run_inside({"verify", store(), "--json"});
  EXPECT_EQ(outcome.status, kNo);
  EXPECT_TRUE(is_json(outcome.out)) << outcome.out;
  EXPECT_NE(outcome.out.find(R"("ok":false)"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find(R"({"segment":1,"offset":4096,"what":)"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find(R"("position":1,"repairable":false})"), std::string::npos) << outcome.out;
}

TEST_F(VerifyTest, ANewerFormatIsSaidToBeOne) {
  for (const std::uint64_t number : {1, 2, 3}) {
    std::string bytes = contents(segment(number));
    for (const std::uint64_t offset : {std::uint64_t{0}, format::kHeaderCopy}) {
      format::SegmentHeader header;
      std::memcpy(&header, bytes.data() + offset, sizeof(header));
      header.format_version = 2;
      header.crc = format::header_crc(header);
      std::memcpy(bytes.data() + offset, &header, sizeof(header));
    }
    write(segment(number), bytes);
  }
  for (const char* verb : {"verify", "info", "cat", "import"}) {
    const Outcome outcome = run_inside({verb, store()});
    EXPECT_EQ(outcome.status, kUnsupported) << verb << outcome.err;
    EXPECT_NE(outcome.err.find("try a newer daybook"), std::string::npos) << outcome.err;
  }
  EXPECT_EQ(run_inside({"dump", store(), "--count", "1"}).status, kOk) << "it shows what it can";
}

TEST_F(VerifyTest, DumpShowsConditions) {
  const std::string other = (directory_ / "other").string();
  auto opened = Store::open(other, {.durability = Durability::memory, .segment_size = kSegmentSize});
  ASSERT_TRUE(test::is_ok(opened));
  const NewEvent event{.type = "A", .id = EventId{1}};
  const std::array<NewEvent, 1> events{event};
  std::array streams{StreamAppend{"s", Expect::any(), events}, StreamAppend{"gate", Expect::no_stream()}};
  std::array conditions{AppendCondition{{.items = {{.types = {"B", "C"}, .tags = {"t"}}, {.streams = {"x"}}},
                                         .except = {{.types = {"D"}}},
                                         .recorded_before = Timestamp{}},
                                        7}};
  ASSERT_TRUE(test::is_ok(opened->append(streams, conditions)));
  ASSERT_TRUE(test::is_ok(opened->close()));
  const Outcome outcome = run_inside({"dump", other, "--events"});
  EXPECT_EQ(outcome.status, kOk);
  for (const char* part : {"stream \"gate\"  expects no stream, assigned 1, 0 events\n",
                           "checked up to segment 1 offset 0x1000, ids are unique\n",
                           "fails on a match after position 7: (type \"B\", type \"C\"; tag \"t\") or (stream \"x\") "
                           "except (type \"D\"), recorded before 1970"}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << "\n" << outcome.out;
  }
  EXPECT_EQ(run_inside({"verify", other}).status, kOk);
}

TEST_F(VerifyTest, DumpShowsFieldsByTheirNames) {
  const Outcome outcome = run_inside({"dump", store(), "--segment", "1", "--events", "--count", "2"});
  EXPECT_EQ(outcome.status, kOk);
  for (const char* part :
       {"SegmentHeader @ 0\n", "SegmentHeader @ 2048\n", "magic           0x0a314b4f4f425944 ok\n",
        "format_version  1\n", "incompatible    0x0\n", "epoch           1\n", "size            65536\n",
        "SegmentBase @ 1024\n", "@ 0x1000  published, ", ", 2 events, 1 streams, position 1, recorded_at ",
        "floor segment ", "stream \"s-0\"  expects any, assigned 1, 2 events\n",
        "type \"Numbered\", schema_version 1, payload 12 bytes, "
        "metadata 4 bytes, 1 tags\n"}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << "\n" << outcome.out;
  }
  EXPECT_EQ(outcome.out.find("WRONG"), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find("DAMAGED"), std::string::npos) << outcome.out;

  const Outcome all = run_inside({"dump", store()});
  EXPECT_EQ(all.status, kOk);
  EXPECT_NE(all.out.find("kind            2 sealed\n"), std::string::npos);
  EXPECT_NE(all.out.find("kind            1 closed\n"), std::string::npos);
  EXPECT_NE(all.out.find("  pad, "), std::string::npos);
  EXPECT_NE(all.out.find("crc             0x"), std::string::npos);
}

TEST_F(VerifyTest, DumpShowsBytes) {
  const Outcome outcome = run_inside({"dump", segment(1).string(), "--offset", "0x1000", "--count", "1", "--hex"});
  EXPECT_EQ(outcome.status, kOk);
  EXPECT_NE(outcome.out.find("\n00001000  "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("number"), std::string::npos) << "the payload as text";
  EXPECT_EQ(outcome.out.find("SegmentHeader"), std::string::npos) << "it begins at the offset";
}

TEST_F(VerifyTest, DumpGoesOnBehindDamage) {
  std::string bytes = contents(segment(1));
  // All over the second frame.
  const Outcome before = run_inside({"dump", store(), "--segment", "1", "--count", "3"});
  std::vector<std::uint64_t> offsets;
  for (std::size_t at = 0; (at = before.out.find("\n@ 0x", at)) != std::string::npos; ++at) {
    offsets.push_back(std::stoull(before.out.substr(at + 3), nullptr, 16));
  }
  ASSERT_EQ(offsets.size(), 3u) << before.out;
  for (std::uint64_t at = offsets[1]; at < offsets[2]; ++at) bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
  write(segment(1), bytes);

  const Outcome after = run_inside({"dump", store(), "--segment", "1", "--count", "3"});
  EXPECT_EQ(after.status, kOk);
  EXPECT_NE(after.out.find(fmt::format("@ {:#x}  DAMAGED: ", offsets[1])), std::string::npos) << after.out;
  EXPECT_NE(after.out.find(
                fmt::format("{} bytes up to {:#x} are no frame that verifies", offsets[2] - offsets[1], offsets[2])),
            std::string::npos)
      << after.out;
  EXPECT_NE(after.out.find(fmt::format("@ {:#x}  published, ", offsets[2])), std::string::npos) << after.out;
}

TEST_F(VerifyTest, DumpBelievesNothing) {
  test::Rng rng(22);
  const std::string whole = contents(segment(1));
  const std::string file = segment(1).string();
  for (int i = 0; i < 100; ++i) {
    std::string bytes = whole;
    switch (i % 4) {
      case 0: bytes.resize(rng.below(bytes.size())); break;
      case 1:
        for (int j = 0; j < 1'000; ++j) bytes[rng.below(bytes.size())] = static_cast<char>(rng.next());
        break;
      case 2:
        for (char& byte : bytes) byte = static_cast<char>(rng.next());
        break;
      default:
        std::rotate(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(rng.below(bytes.size())), bytes.end());
    }
    write(file, bytes);
    const Outcome outcome = run_inside({"dump", file, "--events", "--hex"});
    EXPECT_EQ(outcome.status, kOk) << outcome.err;
    EXPECT_NE(run_inside({"verify", store()}).status, kOk);
  }
}

TEST_F(VerifyTest, WhatIsNotThereIsAFailure) {
  EXPECT_EQ(run_inside({"verify", (directory_ / "none").string()}).status, kFailed);
  EXPECT_EQ(run_inside({"verify", directory_.path().string()}).status, kFailed) << "a directory, but no store";
  EXPECT_EQ(run_inside({"dump", (directory_ / "none").string()}).status, kFailed);
  EXPECT_EQ(run_inside({"dump", store(), "--segment", "9"}).status, kFailed);
  EXPECT_EQ(run_inside({"dump", store(), "--offset", "3"}).status, kUsage);
}

}  // namespace
}  // namespace daybook::tools
