// An account's events, today's and those of years ago, with payloads that are read by eye.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <daybook/sourcing/catalog.h>
#include <daybook/sourcing/codec.h>
#include <daybook/sourcing/event_set.h>
#include <daybook/sourcing/event_type.h>

namespace daybook::testing {

struct AccountOpened {
  static constexpr EventType kEventType{.name = "AccountOpened", .schema_version = 3};
  std::string owner;
  std::string currency;
  std::int64_t limit = 0;
};
struct MoneyDeposited {
  static constexpr EventType kEventType{.name = "MoneyDeposited", .schema_version = 2, .aliases = {"PaidIn"}};
  std::int64_t cents = 0;
};
struct AccountClosed {
  static constexpr EventType kEventType{.name = "AccountClosed"};
  std::string why;
};
using AccountEvents = EventSet<AccountOpened, MoneyDeposited, AccountClosed>;

struct AccountOpenedV1 {
  static constexpr EventType kEventType{.name = "AccountOpened", .schema_version = 1};
  std::string owner;
};
struct AccountOpenedV2 {
  static constexpr EventType kEventType{.name = "AccountOpened", .schema_version = 2};
  std::string owner;
  std::string currency;
};
struct MoneyDepositedV1 {  // whole euros
  static constexpr EventType kEventType{.name = "MoneyDeposited", .schema_version = 1};
  std::int64_t euros = 0;
};
struct MoneyMoved {  // everything, and the account was closed
  static constexpr EventType kEventType{.name = "MoneyMoved"};
  std::int64_t cents = 0;
};
struct Several {  // the last of more than two closed the account
  static constexpr EventType kEventType{.name = "Several"};
  std::vector<std::int64_t> cents;
};
struct Rounded {  // once stored for nothing
  static constexpr EventType kEventType{.name = "Rounded"};
  std::int64_t cents = 0;
};

inline std::string text_of(const AccountOpened& event) {
  return "opened " + event.owner + " " + event.currency + " " + std::to_string(event.limit);
}
inline std::string text_of(const MoneyDeposited& event) { return "deposited " + std::to_string(event.cents); }
inline std::string text_of(const AccountClosed& event) { return "closed " + event.why; }

// "a|b": the parts.
inline std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// One number as decimal text.
template <typename T, auto Member>
struct NumberCodec {
  static Result<void> encode(const T& value, std::string& out) {
    out += std::to_string(value.*Member);
    return {};
  }
  static Result<void> decode(Bytes bytes, T& value) {
    value.*Member = std::stoll(std::string(bytes.text()));
    return {};
  }
  static std::uint64_t fingerprint() { return 1; }
};

// One text.
template <typename T, auto Member>
struct TextCodec {
  static Result<void> encode(const T& value, std::string& out) {
    out += value.*Member;
    return {};
  }
  static Result<void> decode(Bytes bytes, T& value) {
    value.*Member = bytes.text();
    return {};
  }
  static std::uint64_t fingerprint() { return 2; }
};

inline Catalog account_catalog();

}  // namespace daybook::testing

namespace daybook {

template <>
struct Codec<testing::MoneyDeposited> : testing::NumberCodec<testing::MoneyDeposited, &testing::MoneyDeposited::cents> {
};
template <>
struct Codec<testing::MoneyDepositedV1>
    : testing::NumberCodec<testing::MoneyDepositedV1, &testing::MoneyDepositedV1::euros> {};
template <>
struct Codec<testing::MoneyMoved> : testing::NumberCodec<testing::MoneyMoved, &testing::MoneyMoved::cents> {};
template <>
struct Codec<testing::Rounded> : testing::NumberCodec<testing::Rounded, &testing::Rounded::cents> {};
template <>
struct Codec<testing::AccountClosed> : testing::TextCodec<testing::AccountClosed, &testing::AccountClosed::why> {};
template <>
struct Codec<testing::AccountOpenedV1>
    : testing::TextCodec<testing::AccountOpenedV1, &testing::AccountOpenedV1::owner> {};

template <>
struct Codec<testing::AccountOpenedV2> {
  static Result<void> encode(const testing::AccountOpenedV2& value, std::string& out) {
    out += value.owner == "bad" ? value.owner : value.owner + "|" + value.currency;
    return {};
  }
  static Result<void> decode(Bytes bytes, testing::AccountOpenedV2& value) {
    const auto parts = testing::split(bytes.text(), '|');
    if (parts.size() != 2)
      return fail({.code = Errc::bad_event, .what = "cannot read text", .detail = ErrorText("no currency")});
    value = {parts[0], parts[1]};
    return {};
  }
  static std::uint64_t fingerprint() { return 3; }
};

template <>
struct Codec<testing::AccountOpened> {
  static Result<void> encode(const testing::AccountOpened& value, std::string& out) {
    out += value.owner + "|" + value.currency + "|" + std::to_string(value.limit);
    return {};
  }
  static Result<void> decode(Bytes bytes, testing::AccountOpened& value) {
    const auto parts = testing::split(bytes.text(), '|');
    if (parts.size() != 3) return fail({.code = Errc::bad_event, .what = "cannot read text"});
    value = {parts[0], parts[1], std::stoll(parts[2])};
    return {};
  }
  static std::uint64_t fingerprint() { return 4; }
};

template <>
struct Codec<testing::Several> {
  static Result<void> encode(const testing::Several& value, std::string& out) {
    for (const std::int64_t cents : value.cents) out += (out.empty() ? "" : ",") + std::to_string(cents);
    return {};
  }
  static Result<void> decode(Bytes bytes, testing::Several& value) {
    if (bytes.empty()) return {};
    for (const std::string& part : testing::split(bytes.text(), ',')) value.cents.push_back(std::stoll(part));
    return {};
  }
  static std::uint64_t fingerprint() { return 5; }
};

namespace testing {

// One of each kind of step.
inline Catalog account_catalog() {
  Catalog catalog;
  catalog.add(AccountEvents());
  catalog.upcast<AccountOpenedV1>([](const AccountOpenedV1& old) { return AccountOpenedV2{old.owner, "EUR"}; });
  catalog.upcast<AccountOpenedV2>([](const AccountOpenedV2& old) { return AccountOpened{old.owner, old.currency, 0}; });
  catalog.upcast<MoneyDepositedV1>([](const MoneyDepositedV1& old) -> Result<MoneyDeposited> {
    if (old.euros < 0) return refuse("negative");
    return MoneyDeposited{old.euros * 100};
  });
  catalog.upcast<MoneyMoved>(
      [](const MoneyMoved& old) { return std::tuple(MoneyDeposited{old.cents}, AccountClosed{"moved"}); });
  catalog.upcast<Several>([](const Several& old) {
    std::vector<std::variant<MoneyDeposited, AccountClosed>> events;
    for (const std::int64_t cents : old.cents) events.emplace_back(MoneyDeposited{cents});
    if (events.size() > 2) events.back() = AccountClosed{std::to_string(old.cents.back())};
    return events;
  });
  catalog.upcast<Rounded>(
      [](const Rounded& old) { return old.cents == 0 ? std::nullopt : std::optional(MoneyDeposited{old.cents}); });
  catalog.drop("AccountTouched", 1);
  return catalog;
}

}  // namespace testing
}  // namespace daybook
