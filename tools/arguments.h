// The options and operands of one command, by name and without the parser's types: the parser is in program.cc alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace daybook::tools {

enum class Need : std::uint8_t { required, optional };

// Thread safety: none. The variables that are passed in must live until the command has run.
class Arguments {
 public:
  explicit Arguments(CLI::App& app) : app_(app) {}
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  // The first operand, STORE: a directory. $DAYBOOK_STORE stands in for it when there are fewer operands than names.
  void store(std::string& value, Need need = Need::required);
  void operand(const std::string& name, std::string& value, const std::string& help, Need need = Need::required);

  // `names` as in "-n,--count".
  void flag(const std::string& names, bool& value, const std::string& help);
  void text(const std::string& names, std::string& value, const std::string& placeholder, const std::string& help);
  void texts(const std::string& names, std::vector<std::string>& values, const std::string& placeholder,
             const std::string& help);
  void number(const std::string& names, std::uint64_t& value, const std::string& help);
  // Takes "64KiB" and the like.
  void size(const std::string& names, std::uint64_t& value, const std::string& help);
  void choice(const std::string& names, std::string& value, const std::vector<std::string>& choices,
              const std::string& help);

  // After parsing: gives the operands their values. Empty, or what is missing.
  [[nodiscard]] std::string resolve_operands(const std::string& default_store);

 private:
  struct Operand {
    std::string name;
    std::string* value;
    CLI::Option* option;
    Need need;
    bool is_store;
  };

  void add_operand(const std::string& name, std::string& value, const std::string& help, Need need, bool is_store);

  CLI::App& app_;
  std::vector<Operand> operands_;
};

}  // namespace daybook::tools
