//! Not run by default: `cargo test --release -p aplomb-connect -- --ignored --nocapture` prints rows per second.

use super::*;

#[test]
#[ignore = "measures; run in release"]
fn a_hundred_thousand_rows() {
    let house = House::new();
    let mut companies = String::from("id,name,domain\n");
    (0..20_000).for_each(|i| companies.push_str(&format!("{i},Company {i},c{i}.example\n")));
    let mut contacts =
        String::from("id,company_id,first_name,last_name,email,phone,title,city,country,source,owner,tags,notes\n");
    for i in 0..100_000 {
        contacts.push_str(&format!(
            "{i},{},First{i},Last{i},p{i}@c{}.example,+49 30 555 {i:06},Buyer,Berlin,Germany,web form,admin.user,vip;beta,Asked for a quote\n",
            i % 20_000,
            i % 20_000
        ));
    }
    for (object, file) in [("company", companies), ("contact", contacts)] {
        let done = house.import(object, "volume.csv", file.as_bytes());
        assert_eq!(done.progress.refused, 0, "{}", house.errors(done.id));
        assert!(house.crm.wait_for(house.crm.seq()));
    }
}
