#include "support/faulty_directory.h"

#include <array>

#include <gtest/gtest.h>

#include "support/result_matchers.h"
#include "support/temp_dir.h"

namespace daybook::test {
namespace {

using io::Access;
using Mode = io::Directory::OpenMode;

class FaultyDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto real = io::open_directory(temp_.path(), false);
    ASSERT_TRUE(is_ok(real));
    directory_ = make_faulty(std::move(*real), faults_);
  }

  TempDir temp_;
  std::shared_ptr<IoFaults> faults_ = std::make_shared<IoFaults>();
  std::unique_ptr<io::Directory> directory_;
};

TEST_F(FaultyDirectoryTest, EveryCallGoesThroughOrFailsAndIsCounted) {
  auto file = directory_->create("f").value();
  ASSERT_TRUE(is_ok(file->allocate(8192)));
  auto mapping = file->map(Access::read_write, 8192).value();
  std::array<std::byte, 16> bytes{};
  const std::array<std::pair<IoCall, std::function<std::optional<Error>()>>, kIoCalls> calls{{
      {IoCall::open, [&] { return error_of(directory_->open("f", Mode::read)); }},
      {IoCall::create, [&] { return error_of(directory_->create("g")); }},
      {IoCall::rename, [&] { return error_of(directory_->rename("g", "h")); }},
      {IoCall::remove, [&] { return error_of(directory_->remove("h")); }},
      {IoCall::list, [&] { return error_of(directory_->list()); }},
      {IoCall::directory_sync, [&] { return error_of(directory_->sync()); }},
      {IoCall::subdirectory, [&] { return error_of(directory_->subdirectory("sub", true)); }},
      {IoCall::lock, [&] { return error_of(directory_->lock("LOCK")); }},
      {IoCall::check_file_system, [&] { return error_of(directory_->check_file_system()); }},
      {IoCall::size, [&] { return error_of(file->size()); }},
      {IoCall::allocated, [&] { return error_of(file->allocated()); }},
      {IoCall::read, [&] { return error_of(file->read_at(0, bytes)); }},
      {IoCall::write, [&] { return error_of(file->write_at(0, bytes)); }},
      {IoCall::allocate, [&] { return error_of(file->allocate(8192)); }},
      {IoCall::write_zeros, [&] { return error_of(file->write_zeros(0, 16)); }},
      {IoCall::punch, [&] { return error_of(file->punch(0, 16)); }},
      {IoCall::sync, [&] { return error_of(file->sync()); }},
      {IoCall::map, [&] { return error_of(file->map(Access::read, 8192)); }},
      {IoCall::protect, [&] { return error_of(mapping->protect()); }},
      {IoCall::populate, [&] { return error_of(mapping->populate(0, 8192)); }},
  }};
  for (const auto& [call, run] : calls) {
    SCOPED_TRACE(name(call));
    const auto before = faults_->count(call);
    faults_->add({.call = call, .error_number = EIO});
    const auto failure = run();
    ASSERT_TRUE(failure.has_value());
    EXPECT_EQ(failure->sys_errno, EIO);
    EXPECT_EQ(failure->code, Errc::io);
    EXPECT_STREQ(failure->what, io_error(call, EIO).what);
    const auto success = run();
    EXPECT_FALSE(success.has_value()) << to_text(*success);
    EXPECT_EQ(faults_->count(call), before + 2);
  }
}

TEST_F(FaultyDirectoryTest, TheNthOfAKindFailsOnceOrForEver) {
  faults_->add({.call = IoCall::create, .nth = 2, .error_number = ENOSPC});
  EXPECT_TRUE(is_ok(directory_->create("a")));
  EXPECT_TRUE(is_ok(directory_->list()));
  EXPECT_TRUE(fails_with(directory_->create("b"), Errc::no_space, ENOSPC));
  EXPECT_TRUE(is_ok(directory_->create("b")));
  faults_->add({.nth = 2, .repeat = Repeat::for_ever});
  EXPECT_TRUE(is_ok(directory_->list()));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fails_with(directory_->list(), Errc::io, EIO));
  faults_->clear();
  EXPECT_TRUE(is_ok(directory_->list()));
}

TEST_F(FaultyDirectoryTest, SubdirectoriesShareTheFaults) {
  auto sub = directory_->subdirectory("sub", true).value();
  faults_->add({.call = IoCall::create});
  EXPECT_TRUE(fails_with(sub->create("f"), Errc::io, EIO));
  EXPECT_TRUE(is_ok(sub->create("f")));
}

TEST_F(FaultyDirectoryTest, ShortWriteDoesItsPart) {
  auto file = directory_->create("f").value();
  faults_->add({.call = IoCall::write, .error_number = ENOSPC, .done = 100});
  EXPECT_TRUE(fails_with(file->write_at(0, std::array<std::byte, 500>{}), Errc::no_space, ENOSPC, "pwrite"));
  EXPECT_EQ(file->size().value(), 100u);
  faults_->add({.call = IoCall::write_zeros, .error_number = ENOSPC, .done = 5000});
  EXPECT_TRUE(fails_with(file->write_zeros(0, 8192), Errc::no_space, ENOSPC, "pwrite"));
  EXPECT_EQ(file->size().value(), 5000u);
  faults_->add({.call = IoCall::allocate, .error_number = ENOSPC, .done = 6000});
  EXPECT_TRUE(fails_with(file->allocate(8192), Errc::no_space, ENOSPC, "fallocate"));
  EXPECT_EQ(file->size().value(), 6000u);
}

}  // namespace
}  // namespace daybook::test
