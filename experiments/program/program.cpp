#include "experiments/program/program.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "core/document/printable.hpp"
#include "core/document/problem.hpp"
#include "core/runtime/build_id.hpp"
#include "experiments/program/terminal_text.hpp"
#include "experiments/program/verb.hpp"
#include "experiments/training/provenance.hpp"

namespace isorbit::experiments {
namespace {

constexpr Verb kVerbs[] = {
    {"validate", "check a sweep, a model or a method; silent when it is right", verb::validate},
    {"plan", "list the cells of a sweep, what they cost, and what was dropped and why", verb::plan},
    {"run", "run the cells of a sweep that are missing", verb::run},
    {"retry", "run the cells of a sweep again that failed", verb::retry},
    {"submit", "run the missing cells of a sweep on a Slurm cluster", verb::submit},
    {"repair", "finish what was cut off before it was published, and rebuild damaged records", verb::repair},
    {"gc", "remove attempts and claims that nobody needs any more", verb::gc},
    {"status", "how far each cell of a sweep is", verb::status},
    {"compare", "arms by seeds, with differences to the baseline", verb::compare},
    {"export", "every number of a sweep as CSV, or the weights of a cell as safetensors", verb::export_csv},
    {"certify", "whether runs kept what their methods claim, weight by weight", verb::certify},
    {"replay", "compute a run again from its record, and compare bit for bit", verb::replay},
    {"eval", "accuracy of cells on tasks without training", verb::eval},
    {"compile", "compile a model and show its graph after any pass, or what it costs", verb::compile},
    {"bench", "time training steps against what the machine can do", verb::bench},
    {"profile", "where the time of a training step goes, node by node", verb::profile},
    {"symmetries", "which weights may be scaled against each other, and which not and why", verb::symmetries},
    {"list", "ops, words of methods, engines, measures", verb::list},
    {"schema", "JSON Schema of a document, for editors", verb::schema},
};

void print_help(std::ostream& out) {
  out << "isorbit settles which way of training a model is better, and why\n\n"
         "usage: isorbit VERB [arguments]\n\n";
  std::size_t width = 0;
  for (const Verb& verb : kVerbs) width = std::max(width, std::string(verb.name).size());
  for (const Verb& verb : kVerbs)
    out << "  " << verb.name << std::string(width + 2 - std::string(verb.name).size(), ' ') << verb.doc
        << "\n";
  out << "\nisorbit VERB --help says what a verb takes; isorbit --version what this is.\n"
         "exit codes: 0 all complete, 1 ran and some cell failed, 2 wrong document or command line,\n"
         "            3 a check said no, 75 stopped on request with the state saved\n";
}

int dispatch(Console& console) {
  const std::vector<std::string>& argv = console.argv;
  if (argv.size() < 2) {
    print_help(console.err);
    return 2;
  }
  if (argv[1] == "--help" || argv[1] == "-h" || argv[1] == "help") {
    print_help(console.out);
    return 0;
  }
  if (argv[1] == "--version") {
    console.out << "isorbit " << version() << ", build " << core::build_id() << "\n";
    return 0;
  }
  std::vector<std::string> names;
  for (const Verb& verb : kVerbs) {
    if (argv[1] == verb.name) return verb.run(console, {argv.begin() + 2, argv.end()});
    names.emplace_back(verb.name);
  }
  std::string message = "found verb \"" + argv[1] + "\"; expected one of ";
  for (const std::string& name : names) message += (name == names.front() ? "" : ", ") + name;
  if (argv[1].ends_with(".json"))
    message += "; did you mean run " + argv[1] + "?";
  else if (const auto near = core::nearest(argv[1], names))
    message += "; did you mean " + *near + "?";
  throw UsageError(message);
}

}  // namespace

std::span<const Verb> verbs() { return kVerbs; }

int main_program(const std::vector<std::string>& argv, std::ostream& out, std::ostream& err) {
  TerminalText out_text(out), err_text(err);
  std::ostream shown(&out_text), said(&err_text);
  Console console{shown, said, out, err, &err == &std::cerr && ::isatty(STDERR_FILENO) == 1, argv};
  const auto fail = [&](const std::exception& error, int code) {
    said << "isorbit: " << core::printable(error.what()) << "\n";
    return code;
  };
  try {
    const int code = dispatch(console);
    shown.flush();
    if (!shown || !out) throw std::runtime_error("standard output cannot be written");
    return code;
  } catch (const core::DocumentError& error) {
    for (const core::Problem& problem : error.problems()) said << problem.text() << "\n";
    return 2;
  } catch (const UsageError& error) {
    return fail(error, 2);
  } catch (const Stopped& error) {
    return fail(error, 75);
  } catch (const std::exception& error) {
    return fail(error, 1);
  }
}

}  // namespace isorbit::experiments
