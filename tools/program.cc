// The table of commands, and the only file that includes CLI11 (it takes seconds to compile).
#include "program.h"

#include <algorithm>
#include <array>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <ostream>
#include <vector>

#include <CLI/CLI.hpp>

#include <daybook/version.h>

#include "arguments.h"
#include "commands.h"

namespace daybook::tools {
namespace {

constexpr std::array kCommands = {
    &kInfo,   &kSegments, &kCat,         &kTail,        &kGet,     &kCount,  &kStreams,
    &kTypes,  &kTags,     &kSnapshots,   &kConsumers,   &kDump,    &kVerify, &kDoctor,
    &kImport, &kExport,   &kBenchAppend, &kBenchReplay, &kVersion,
};

constexpr const char* kFooter =
    "STORE is the store's directory; without it, $DAYBOOK_STORE is used.\n"
    "Exit status: 0 fine, 1 the answer is no (damage, not found, conflict), 2 usage, 3 could not run,\n"
    "4 written by a newer version, 5 refused without --yes, 130 interrupted.\n";

// Decimal or 0x...; CLI11 also takes "-1" (for the largest number that there is) and octal.
std::string check_number(const std::string& text) {
  const bool hex = text.starts_with("0x") && text.size() > 2;
  const std::string digits = hex ? text.substr(2) : text;
  const bool good = digits.find_first_not_of(hex ? "0123456789abcdefABCDEF" : "0123456789") == std::string::npos &&
                    (hex || text.size() == 1 || !text.starts_with('0'));
  return good ? "" : text + " is not a number";
}

std::string check_not_empty(const std::string& text) { return text.empty() ? "it is empty" : ""; }

bool is_command(const std::string& word) {
  return std::ranges::any_of(
      kCommands, [&word](const Command* command) { return command->name.substr(0, command->name.find(' ')) == word; });
}

// One command as the parser sees it.
struct Entry {
  CLI::App* app = nullptr;
  std::unique_ptr<Arguments> arguments;
  std::function<int(Io&)> run;
};

class Program {
 public:
  Program() : app_("Daybook: an embeddable event store. Looks into stores, moves events in and out.", "daybook") {
    app_.require_subcommand(1);
    app_.footer(kFooter);
    app_.set_version_flag("--version", std::string("daybook ") + version());
    app_.get_formatter()->column_width(34);
    for (const Command* command : kCommands) add(*command);
  }

  int run(std::span<const std::string> arguments, Io& io) {
    if (!arguments.empty() && !arguments.front().starts_with('-') && !is_command(arguments.front())) {
      io.err << "daybook: there is no command " << arguments.front() << "; see daybook --help\n";
      return kUsage;
    }
    // CLI11 takes the words last first.
    std::vector<std::string> words(arguments.rbegin(), arguments.rend());
    try {
      app_.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
      return app_.exit(error, io.out, io.err) == 0 ? kOk : kUsage;
    }
    for (Entry& entry : entries_) {
      if (!entry.app->parsed()) continue;
      if (const std::string missing = entry.arguments->resolve_operands(io.store); !missing.empty()) {
        io.err << missing << "\nRun with --help for more information.\n";
        return kUsage;
      }
      return entry.run(io);
    }
    return kUsage;
  }

 private:
  void add(const Command& command) {
    CLI::App* parent = &app_;
    std::string name(command.name);
    if (const auto space = name.find(' '); space != std::string::npos) {
      parent = group(name.substr(0, space));
      name.erase(0, space + 1);
    }
    CLI::App* app = parent->add_subcommand(name, std::string(command.summary));
    app->footer(std::string(command.details));
    Entry entry{app, std::make_unique<Arguments>(*app), {}};
    entry.run = command.declare(*entry.arguments);
    entries_.push_back(std::move(entry));
  }

  CLI::App* group(const std::string& name) {
    CLI::App*& app = groups_[name];
    if (app == nullptr) {
      app = app_.add_subcommand(name, "measure this machine");
      app->require_subcommand(1);
    }
    return app;
  }

  CLI::App app_;
  std::map<std::string, CLI::App*> groups_;
  std::vector<Entry> entries_;
};

}  // namespace

void Arguments::add_operand(const std::string& name, std::string& value, const std::string& help, Need need,
                            bool is_store) {
  CLI::Option* option = app_.add_option(name, value, help);
  option->option_text(need == Need::required && !is_store ? "REQUIRED" : " ");
  operands_.push_back({name, &value, option, need, is_store});
}

void Arguments::store(std::string& value, Need need) {
  add_operand("STORE", value, "directory of the store; default: $DAYBOOK_STORE", need, true);
}

void Arguments::operand(const std::string& name, std::string& value, const std::string& help, Need need) {
  add_operand(name, value, help, need, false);
}

void Arguments::flag(const std::string& names, bool& value, const std::string& help) {
  app_.add_flag(names, value, help);
}

void Arguments::text(const std::string& names, std::string& value, const std::string& placeholder,
                     const std::string& help) {
  app_.add_option(names, value, help)->option_text(placeholder)->check(check_not_empty);
}

void Arguments::texts(const std::string& names, std::vector<std::string>& values, const std::string& placeholder,
                      const std::string& help) {
  // One value each time it is given, or it would swallow the operands behind it.
  app_.add_option(names, values, help)->option_text(placeholder)->expected(1)->take_all()->check(check_not_empty);
}

void Arguments::number(const std::string& names, std::uint64_t& value, const std::string& help) {
  app_.add_option(names, value, help)->option_text("N")->check(check_number);
}

void Arguments::size(const std::string& names, std::uint64_t& value, const std::string& help) {
  app_.add_option(names, value, help)->transform(CLI::AsSizeValue(false))->option_text("SIZE");
}

void Arguments::choice(const std::string& names, std::string& value, const std::vector<std::string>& choices,
                       const std::string& help) {
  std::string list;
  for (const std::string& choice : choices) list += (list.empty() ? "" : "|") + choice;
  app_.add_option(names, value, help)->check(CLI::IsMember(choices))->option_text(list);
}

std::string Arguments::resolve_operands(const std::string& default_store) {
  std::vector<std::string> words;
  for (const Operand& operand : operands_) {
    if (operand.option->count() != 0) words.push_back(*operand.value);
    operand.value->clear();
  }
  const bool use_default = !default_store.empty() && words.size() < operands_.size();
  auto word = words.begin();
  for (const Operand& operand : operands_) {
    if (operand.is_store && use_default) {
      *operand.value = default_store;
    } else if (word != words.end()) {
      *operand.value = std::move(*word++);
    } else if (operand.need == Need::required) {
      return operand.name + (operand.is_store ? " is missing, and $DAYBOOK_STORE is not set" : " is missing");
    }
  }
  return {};
}

int run_program(std::span<const std::string> arguments, Io& io) {
  try {
    return Program().run(arguments, io);
  } catch (const std::bad_alloc&) {
    io.err << "daybook: out of memory\n";
  } catch (const std::exception& error) {
    io.err << "daybook: " << error.what() << '\n';
  }
  return kFailed;
}

}  // namespace daybook::tools
