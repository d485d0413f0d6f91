#include "projection/projection_fixture.h"

namespace daybook::test {
namespace {

struct Account {
  static constexpr std::string_view kName = "accounts";
  using Events = EventSet<Opened, Moved>;
  void apply(const Opened& event) { cents = event.cents; }
  void apply(const Moved& event, const EventView& at) {
    cents += event.cents;
    last = at.version;
  }
  friend bool operator==(const Account&, const Account&) = default;

  std::int64_t cents = 0;
  Version last = 0;
};
BOOST_DESCRIBE_STRUCT(Account, (), (cents, last))

// By sign of the amount; what is zero is of no key.
struct Sign {
  static constexpr std::string_view kName = "signs";
  static constexpr std::uint32_t kStateVersion = 1;
  using Events = EventSet<Opened, Moved>;
  static std::string key_of(const auto& event, const EventView&) {
    return event.cents == 0 ? "" : event.cents > 0 ? "in" : "out";
  }
  void apply(const auto& event) { sum += event.cents; }

  std::int64_t sum = 0;
};
BOOST_DESCRIBE_STRUCT(Sign, (), (sum))

struct SignOfTomorrow : Sign {
  static constexpr std::uint32_t kStateVersion = 2;
};
BOOST_DESCRIBE_STRUCT(SignOfTomorrow, (Sign), ())

using PerStreamTest = ProjectionTest;

TEST_F(PerStreamTest, OneStatePerStream) {
  append_story(0, 1'000);
  Projection<PerStream<Account>> projection(store());
  ASSERT_TRUE(is_ok(projection.catch_up()));
  const Totals totals = fold(store());
  projection.read([&](const PerStream<Account>& accounts) {
    EXPECT_EQ(accounts.parts.size(), totals.cents.size());
    for (const auto& [stream, cents] : totals.cents) {
      const Account* const account = accounts.find(stream);
      ASSERT_NE(account, nullptr);
      EXPECT_EQ(account->cents, cents);
      EXPECT_GT(account->last, 0u);
    }
    EXPECT_EQ(accounts.find("nobody"), nullptr);
  });
}

TEST_F(PerStreamTest, OneStatePerKey) {
  std::int64_t in = 0;
  std::int64_t out = 0;
  for (const std::int64_t cents : {5, -7, 0, 9, -1, 0}) {
    append_event(store(), "a", "Moved", cents);
    (cents > 0 ? in : out) += cents;
  }
  Projection<PerStream<Sign>> projection(store());
  ASSERT_TRUE(is_ok(projection.catch_up()));
  projection.read([&](const PerStream<Sign>& signs) {
    EXPECT_EQ(signs.parts.size(), 2u);
    EXPECT_EQ(signs.find("in")->sum, in);
    EXPECT_EQ(signs.find("out")->sum, out);
  });
}

TEST_F(PerStreamTest, GoesOnFromASnapshot) {
  append_story(0, 400);
  {
    Projection<PerStream<Account>> projection(store());
    ASSERT_TRUE(is_ok(projection.catch_up()));
    ASSERT_TRUE(is_ok(projection.save_snapshot()));
  }
  append_story(400, 500);
  Projection<PerStream<Account>> again(store());
  ASSERT_TRUE(is_ok(again.catch_up()));
  EXPECT_EQ(again.progress()->applied, 75u);
  Projection<PerStream<Account>> anew(store(), {.snapshot_events = 0});
  ASSERT_TRUE(is_ok(anew.rebuild()));
  const auto parts = [](const PerStream<Account>& accounts) { return accounts.parts; };
  EXPECT_EQ(again.read(parts), anew.read(parts));
}

TEST_F(PerStreamTest, TheVersionOfThePartsIsTheOneOfTheState) {
  static_assert(PerStream<Account>::kStateVersion == 0);
  static_assert(PerStream<SignOfTomorrow>::kStateVersion == 2);
  append_story(0, 40);
  Projection<PerStream<Sign>> today(store());
  ASSERT_TRUE(is_ok(today.catch_up()));
  ASSERT_TRUE(is_ok(today.save_snapshot()));
  Projection<PerStream<SignOfTomorrow>> tomorrow(store());
  ASSERT_TRUE(is_ok(tomorrow.catch_up()));
  EXPECT_EQ(tomorrow.progress()->applied, 30u) << "from the first event";
}

TEST(PerStreamCodecTest, BytesThatAreCutOffAreRefused) {
  PerStream<Account> accounts;
  accounts.parts["a"] = {.cents = 1, .last = 2};
  accounts.parts["long-name"] = {.cents = -3, .last = 4};
  std::string bytes;
  ASSERT_TRUE(is_ok(Codec<PerStream<Account>>::encode(accounts, bytes)));
  PerStream<Account> decoded;
  ASSERT_TRUE(is_ok(Codec<PerStream<Account>>::decode(bytes, decoded)));
  EXPECT_EQ(decoded.parts, accounts.parts);
  std::size_t whole = 0;  // cuts between two parts leave a state with fewer of them
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    PerStream<Account> cut;
    if (Codec<PerStream<Account>>::decode(bytes.substr(0, size), cut)) ++whole;
  }
  EXPECT_EQ(whole, 2u);
}

}  // namespace
}  // namespace daybook::test
