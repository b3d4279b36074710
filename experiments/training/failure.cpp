#include "experiments/training/failure.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include "core/document/json_integer.hpp"
#include "core/document/problem.hpp"
#include "core/record/durable_file.hpp"
#include "core/record/own_document.hpp"
#include "core/record/unreadable.hpp"
#include "core/runtime/memory_error.hpp"
#include "experiments/data/data_error.hpp"

namespace isorbit::experiments {

namespace {

using core::Json;

constexpr std::array kKinds = {FailureKind::diverged, FailureKind::defect,  FailureKind::document,
                               FailureKind::data,     FailureKind::disk,    FailureKind::memory,
                               FailureKind::source,   FailureKind::internal};

/// HDF5 tells the system's reason in words only.
bool tells_of_the_disk(const std::string& text) {
  for (const int code :
       {ENOSPC, EDQUOT, EFBIG, EIO, EROFS, EACCES, EPERM, EMFILE, ENFILE, ENOLCK, ENOSYS, EOPNOTSUPP})
    if (text.find(std::generic_category().message(code)) != std::string::npos) return true;
  return false;
}

FailureKind kind_of(const std::exception& error) {
  if (core::is_out_of_memory(error)) return FailureKind::memory;
  if (dynamic_cast<const Diverged*>(&error) != nullptr) return FailureKind::diverged;
  if (dynamic_cast<const BrokenInvariant*>(&error) != nullptr) return FailureKind::defect;
  if (dynamic_cast<const core::DocumentError*>(&error) != nullptr) return FailureKind::document;
  if (dynamic_cast<const DataError*>(&error) != nullptr) return FailureKind::data;
  if (dynamic_cast<const std::system_error*>(&error) != nullptr) return FailureKind::disk;
  return tells_of_the_disk(error.what()) ? FailureKind::disk : FailureKind::internal;
}

}  // namespace

const char* name_of(FailureKind kind) {
  switch (kind) {
    case FailureKind::diverged:
      return "diverged";
    case FailureKind::defect:
      return "defect";
    case FailureKind::document:
      return "document";
    case FailureKind::data:
      return "data";
    case FailureKind::disk:
      return "disk";
    case FailureKind::memory:
      return "memory";
    case FailureKind::source:
      return "source";
    case FailureKind::internal:
      break;
  }
  return "internal";
}

bool repeats(FailureKind kind) {
  return kind == FailureKind::diverged || kind == FailureKind::defect || kind == FailureKind::document;
}

Failure failure_of(const std::exception& error, std::int64_t step) {
  const FailureKind kind = kind_of(error);
  std::string reason = error.what();
  if (kind == FailureKind::memory)
    reason = "out of memory (" + reason + "); fewer --jobs, a smaller batch or \"recompute\" need less";
  return {kind, std::move(reason), step};
}

void write_failure(const std::filesystem::path& folder, const Failure& failure) {
  const Json json = {{"kind", name_of(failure.kind)}, {"reason", failure.reason}, {"step", failure.step}};
  try {
    std::filesystem::create_directories(folder);
    core::write_durably(folder / "failed.json",
                        json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  } catch (const std::exception&) {
    return;
  }
}

std::optional<Failure> read_failure(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "failed.json";
  if (!core::is_there(file)) return std::nullopt;
  Failure failure;
  try {
    const Json json = core::read_own_document(file).root;
    failure.reason = json.at("reason").get<std::string>();
    failure.step = core::integer_of(json.value("step", Json(0)));
    const std::string kind = json.value("kind", std::string());
    for (const FailureKind known : kKinds)
      if (kind == name_of(known)) failure.kind = known;
  } catch (const std::exception& damage) {
    if (core::is_unreadable(damage)) throw;
    failure.reason = file.string() + ": cannot be read: " + damage.what();
  }
  return failure;
}

}  // namespace isorbit::experiments
