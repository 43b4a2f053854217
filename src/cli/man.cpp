#include "cli/man.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <cctype>
#include <sstream>

#include "base/version.h"
#include "cli/walk.h"

namespace sextant::cli {
namespace {

constexpr auto kDate = "2026-11-23";  // of the hand-written sections' last change

// groff_char(7): a backslash is an escape, a hyphen is no minus, and a line that begins with a
// control character is a request.
std::string escaped(std::string_view text) {
  std::string roff;
  if (!text.empty() && (text.front() == '.' || text.front() == '\'')) roff = "\\&";
  for (const char byte : text) {
    if (byte == '\\') {
      roff += "\\e";
    } else if (byte == '-') {
      roff += "\\-";
    } else {
      roff += byte;
    }
  }
  return roff;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::toupper(byte)); });
  return text;
}

std::string quoted(const std::string& heading) { return '"' + escaped(heading) + '"'; }

/// Running text is filled, indented lines stay as they are; an empty line begins a paragraph.
void put_lines(std::string& roff, const std::vector<std::string>& lines) {
  bool literal = false;
  bool apart = false;  // a paragraph is due; never two in a row, nor one at the very start
  bool first = true;
  for (const auto& line : lines) {
    if (line.empty()) {
      apart = !first;
      continue;
    }
    const bool wants_literal = line.front() == ' ';
    if (literal && !wants_literal) roff += ".fi\n.RE\n";
    if (apart || (!first && literal && !wants_literal)) roff += ".PP\n";
    if (!literal && wants_literal) roff += ".RS 4\n.nf\n";
    literal = wants_literal;
    apart = first = false;
    const auto begin = line.find_first_not_of(' ');
    roff += escaped(literal ? std::string_view(line).substr(std::min<std::size_t>(begin, 2))
                            : std::string_view(line)) +
            '\n';
  }
  if (literal) roff += ".fi\n.RE\n";
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string metavariable(const CLI::Option& option) {
  auto type = option.get_type_name();
  // "TEXT:{table,json}", "ENUM:{...}", "UINT:INT in [1 - 127]": what is admitted says it all
  if (const auto colon = type.find(':'); colon != std::string::npos) type.erase(0, colon + 1);
  std::replace(type.begin(), type.end(), ',', '|');
  if (type.size() > 2 && type.front() == '{' && type.back() == '}')
    type = type.substr(1, type.size() - 2);
  return type;
}

void put_option(std::string& roff, const CLI::Option& option) {
  roff += ".TP\n";
  if (option.get_positional()) {
    roff += "\\fI" + escaped(option.get_name(true)) + "\\fR";
  } else {
    std::string names;
    for (const auto& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
    for (const auto& name : option.get_lnames()) names += (names.empty() ? "--" : ", --") + name;
    roff += "\\fB" + escaped(names) + "\\fR";
    if (option.get_items_expected_max() > 0)
      roff += " \\fI" + escaped(metavariable(option)) + "\\fR";
  }
  roff += '\n';
  auto description = option.get_description();
  if (!description.empty() && description.back() != '.') description += '.';
  put_lines(roff, lines_of(description));
  if (!option.get_default_str().empty())
    roff += "Default: \\fB" + escaped(option.get_default_str()) + "\\fR.\n";
  if (!option.get_envname().empty())
    roff += "Environment: \\fB" + escaped(option.get_envname()) + "\\fR.\n";
}

void put_options(std::string& roff, const CLI::App& app) {
  for (const auto* option : app.get_options()) {
    if (option->get_positional()) put_option(roff, *option);
  }
  for (const auto* option : app.get_options()) {
    if (!option->get_positional() && !option->get_group().empty()) put_option(roff, *option);
  }
}

std::string usage(const std::string& path, const CLI::App& app) {
  std::string line = "\\fB" + escaped(path) + "\\fR [\\fIOPTIONS\\fR]";
  for (const auto* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const auto more = option->get_items_expected_max() > 1 ? "..." : "";
    const auto name = "\\fI" + escaped(option->get_name(true)) + "\\fR" + more;
    line += option->get_required() ? " " + name : " [" + name + "]";
  }
  if (!visible_commands(app).empty()) line += " \\fICOMMAND\\fR";
  return line;
}

void put_commands(std::string& roff, const CLI::App& app, const std::string& path) {
  for (const auto* command : visible_commands(app)) {
    const auto name = path + " " + command->get_name();
    roff += ".SS " + quoted(name) + "\n" + usage(name, *command) + "\n.PP\n";
    put_lines(roff, lines_of(command->get_description()));
    put_options(roff, *command);
    for (const auto& section : sections(command->get_footer())) {
      roff += ".PP\n" + escaped(section.heading) + ":\n";
      put_lines(roff, section.lines);
    }
    put_commands(roff, *command, name);
  }
}

void put_section(std::string& roff, const Section& section) {
  roff += ".SH " + quoted(upper(section.heading)) + "\n";
  put_lines(roff, section.lines);
}

}  // namespace

std::string man_page(const ManPage& page, const CLI::App* program) {
  std::string roff = ".TH " + upper(page.name) + " " + std::to_string(page.number) + " " + kDate +
                     " \"Sextant " + std::string(version()) + "\" \"Sextant Manual\"\n";
  roff += ".SH NAME\n" + escaped(page.name) + " \\- " + escaped(page.purpose) + "\n";
  if (program != nullptr) roff += ".SH SYNOPSIS\n" + usage(page.name, *program) + "\n";
  for (const auto& section : page.before) put_section(roff, section);
  if (program != nullptr) {
    roff += ".SH DESCRIPTION\n";
    put_lines(roff, lines_of(program->get_description()));
    roff += ".SH OPTIONS\n";
    put_options(roff, *program);
    if (!visible_commands(*program).empty()) {
      roff += ".SH COMMANDS\n";
      put_commands(roff, *program, page.name);
    }
    for (const auto& section : sections(program->get_footer())) put_section(roff, section);
  }
  for (const auto& section : page.after) put_section(roff, section);
  return roff;
}

}  // namespace sextant::cli
