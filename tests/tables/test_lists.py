"""Files that list ids become attributes of the customers."""


def test_customers_can_be_on_several_lists(project) -> None:
    project.write("vip.txt", "1 C01\n2 C03\n3 C99\n")
    project.write("staff.csv", "C03,王小明\n".encode("gb18030"))
    project.write("nobody.txt", "")
    project.how(
        "customers",
        lists={
            "vip": {"file": "data/vip.txt", "column": 2},
            'on "the" staff': {"file": "data/staff.csv", "encoding": "gb18030"},
            "nobody": {"file": "data/nobody.txt"},
        },
    )
    project.settings["source"]["pseudonyms"] = False
    data = project.open()
    frame = data.execute(data.customers).set_index("customer_id")
    on = {name: set(frame.index[frame[name] == "yes"]) for name in ("vip", 'on "the" staff', "nobody")}
    assert on == {"vip": {"C01", "C03"}, 'on "the" staff': {"C03"}, "nobody": set()}
    assert set(frame["nobody"]) == {"no"}
