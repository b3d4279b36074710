// JSON files that this program keeps for itself (results, leases, failures): plain files, whose damage is
// told from trouble in reading them.
#pragma once
#include <filesystem>

#include "core/document/json.hpp"

namespace isorbit::core {

/// Throws std::system_error where the file cannot be read, DocumentError or another std::runtime_error where
/// it is damaged.
[[nodiscard]] Document read_own_document(const std::filesystem::path& file);

}  // namespace isorbit::core
