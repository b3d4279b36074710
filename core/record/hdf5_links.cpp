// The links of a file before anything behind them is read. A record has one hard link to each of its objects:
// then no path leads out of the file, and there are no more of them than objects.
#include <unordered_set>

#include "core/record/hdf5_handle.hpp"

namespace isorbit::core::hdf5 {
namespace {

constexpr int deepest_group = 10;

struct Link {
  std::string name;
  H5L_type_t type;
  haddr_t address;  // of what a hard link names
};

herr_t keep_link(hid_t, const char* name, const H5L_info_t* info, void* data) {
  const bool hard = info->type == H5L_TYPE_HARD;
  static_cast<std::vector<Link>*>(data)->push_back({name, info->type, hard ? info->u.address : HADDR_UNDEF});
  return 0;
}

const char* name_of(H5L_type_t type) {
  if (type == H5L_TYPE_SOFT) return "a soft link";
  return type == H5L_TYPE_EXTERNAL ? "a link to another file" : "a link of an unknown kind";
}

class LinkCheck {
 public:
  LinkCheck(hid_t file, const std::string& name) : file_(file), name_(name) {
    H5O_info_t root;
    check(H5Oget_info2(file_, &root, H5O_INFO_BASIC), name_, "read the root group");
    seen_.insert(root.addr);
    group("/", 0);
  }

 private:
  void group(const std::string& path, int depth) {
    const std::string where = place(name_, path);
    if (depth > deepest_group)
      throw Error(where + ": found groups nested too deeply; expected at most " +
                  std::to_string(deepest_group) + " in each other");
    std::vector<Link> links;
    std::vector<std::string> inner;
    {
      const Handle opened(H5Gopen2(file_, path.c_str(), H5P_DEFAULT), H5Gclose, where, "open the group");
      check(H5Literate(opened.get(), H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, keep_link, &links), where,
            "list the group");
      for (const Link& link : links)
        if (is_group(opened.get(), link, place(name_, member(path, link.name))))
          inner.push_back(member(path, link.name));
    }
    for (const std::string& deeper : inner) group(deeper, depth + 1);
  }

  static std::string member(const std::string& group, const std::string& name) {
    return (group == "/" ? group : group + "/") + name;
  }

  bool is_group(hid_t group, const Link& link, const std::string& where) {
    if (link.type != H5L_TYPE_HARD)
      throw Error(where + ": found " + name_of(link.type) + "; expected objects of the file itself alone");
    if (!seen_.insert(link.address).second)
      throw Error(where + ": found a second name of an object; expected one for each");
    H5O_info_t info;
    check(H5Oget_info_by_name2(group, link.name.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT), where, "open");
    return info.type == H5O_TYPE_GROUP;
  }

  hid_t file_;
  const std::string& name_;
  std::unordered_set<haddr_t> seen_;
};

}  // namespace

void check_links(hid_t file, const std::string& name) { const LinkCheck all(file, name); }

}  // namespace isorbit::core::hdf5
