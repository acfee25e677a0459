import "./demo/actions/add-contact.js"
import "./demo/syncs/contacts.js"
import "./github/actions/create-issue.js"
import "./github/syncs/issues.js"
