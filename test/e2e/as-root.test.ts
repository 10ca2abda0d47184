import { defineSuite } from './suite.ts'
import { rootUser } from './test-users.ts'

defineSuite(rootUser())
